#ifndef LEASTJOBS_QUESTION_H
#define LEASTJOBS_QUESTION_H

#include <event2/event.h>

#include "names/name_answer.h"

/*
 * One question to DNS, for all IPv4 and IPv6 addresses of a URL's name, by c-ares in the event
 * loop: it says the time to live, heeds resolv.conf (as it is now: search domains, several servers,
 * time limits), reads hosts(5), and goes on by TCP where an answer has no room in a datagram.
 */
struct question;

/* However patient resolv.conf is: what takes longer has failed. */
#define QUESTION_PATIENCE_S 10

/*
 * The end, never from inside question_ask(). The answers' lists may be taken over. `ttl_s` is the
 * shortest time to live of what was found, 0 if nobody said any.
 */
typedef void question_answered(void *context, struct name_answer answers[NAME_FAMILIES],
                               unsigned ttl_s);

/* Once, before the first and after the last of them. False if that fails. */
bool question_set_up(void);
void question_tear_down(void);

/* `url` must outlive it. What fails is an answer too. */
struct question *question_ask(struct event_base *base, const struct url *url,
                              question_answered *answered, void *context);

/* Gives it up, not from inside its answer. After its answer there is nothing to give up. */
void question_cancel(struct question *question);

#endif
