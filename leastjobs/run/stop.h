#ifndef LEASTJOBS_STOP_H
#define LEASTJOBS_STOP_H

#include <event2/event.h>
#include <stdbool.h>

#include "run/kept.h"
#include "run/master.h"

/*
 * The end, in its order: HAProxy takes no new jobs, open ones may end; what is left after a time,
 * or at the second signal, is cut off, each with its line in HAProxy's log; then HAProxy ends, then
 * the agent, then whatever else is our child (as PID 1 of a container, or under tools/run).
 */
struct stop;

struct stop_parts {
    struct event_base *base;
    struct kept *agent;
    struct kept *haproxy;
    struct master *master;
    void (*done)(void *context); /* nothing is left */
    void *context;
};

struct stop *stop_new(const struct stop_parts *parts);
void stop_free(struct stop *stop);

/* The first time: open jobs may end within `timeout_ms`. */
void stop_begin(struct stop *stop, unsigned timeout_ms);
bool stop_has_begun(const struct stop *stop);
/* Also if it hasn't begun. */
void stop_at_once(struct stop *stop);

/* A process of ours has ended: to be called after each, when it has been reaped. */
void stop_note_end(struct stop *stop);

#endif
