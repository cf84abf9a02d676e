#ifndef LEASTJOBS_FOLLOWING_H
#define LEASTJOBS_FOLLOWING_H

#include <event2/event.h>
#include <stdbool.h>

#include "config.h"
#include "errors.h"

/*
 * The instances of INSTANCES_DNS and INSTANCES_FILE, followed: it keeps the file that genconf and
 * the agent read (found.h). What is found gets a number, what is gone leaves (numbers.h) and is
 * taken out when it has no jobs any more (departures.h).
 */
struct following;

/* First answers are waited for so long, then it goes on with those that are there. */
#define FOLLOWING_START_MS 3000

struct following_events {
    /* The file is another one: haproxy.cfg is to be made again, the agent to be told. */
    void (*changed)(void *context);
    /* Once: each name has been asked for, or FOLLOWING_START_MS are over. */
    void (*settled)(void *context);
    void *context;
};

/*
 * Reads INSTANCES_FILE and what is remembered, writes the file, and asks for the names. NULL with
 * what is wrong in `errors`. `config` must live until the next following_take_config(), or the end.
 * The events come from the loop.
 */
struct following *following_new(struct event_base *base, const struct config *config,
                                const struct following_events *events, struct errors *errors);
void following_free(struct following *following);

/*
 * A new configuration, which is to be in force. Returns whether what was read with it is outdated,
 * since it names others to be followed: `changed` comes once it is known who they are, and then it
 * is read again. What is wrong with INSTANCES_FILE is logged.
 */
bool following_take_config(struct following *following, const struct config *config);

/*
 * At a start that was refused: those that are leaving, of a list that was too long maybe, are
 * forgotten. Returns whether there were any; then it may be tried again.
 */
bool following_drop_leaving(struct following *following);

/* Before the configuration is read: puts the file there again if somebody has removed it. */
void following_keep_file(struct following *following);

#endif
