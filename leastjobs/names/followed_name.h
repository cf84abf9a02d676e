#ifndef LEASTJOBS_FOLLOWED_NAME_H
#define LEASTJOBS_FOLLOWED_NAME_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "names/name_answer.h"

/*
 * One URL of INSTANCES_DNS: its name is asked for again and again, and the log says once when it
 * doesn't resolve, and once when it does again. Meanwhile it has the addresses that it had.
 */
struct followed_name;

/*
 * An answer is asked for anew when its time to live is over, but not sooner than after
 * FOLLOW_LEAST_S (what has failed too), and not later than after FOLLOW_MOST_S: Docker's name
 * server gives 600 s to names that change at any moment.
 */
#define FOLLOW_LEAST_S 5U
#define FOLLOW_MOST_S 10U
unsigned followed_name_wait_s(unsigned ttl_s);

/* `answered` is called for each answer, whether anything has changed or not. */
struct followed_name *followed_name_new(struct event_base *base, const char *text,
                                        void (*answered)(void *context), void *context);
void followed_name_free(struct followed_name *name);

/* The URL as INSTANCES_DNS has it. */
const char *followed_name_text(const struct followed_name *name);

/* A URL that it had before the first answer. */
void followed_name_remember(struct followed_name *name, const char *url);

/* Whether there has been an answer, good or bad. */
bool followed_name_is_answered(const struct followed_name *name);

/* Whether there has been a good one. */
bool followed_name_has_resolved(const struct followed_name *name);

/* Good until the next answer. */
const struct name_urls *followed_name_urls(const struct followed_name *name);

#endif
