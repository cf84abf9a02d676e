#ifndef LEASTJOBS_HAPROXY_H
#define LEASTJOBS_HAPROXY_H

#include <event2/event.h>
#include <stddef.h>

/*
 * Asks HAProxy's runtime socket (management guide, section 9.3), with a connection for each
 * query: after a reload the path leads to the new process by itself. Within a query the
 * connection is interactive ("prompt"), so that what is told goes to the very process that
 * answered: it has answered each command when its prompt has come.
 */
struct haproxy;

enum haproxy_outcome {
    HAPROXY_ANSWERED,
    HAPROXY_ABSENT, /* no socket there, or nobody behind it: HAProxy isn't running */
    HAPROXY_FAILED, /* it is, but gave no whole answer in time */
};

struct haproxy_events {
    /* A query begins: adds its commands by haproxy_say(). */
    void (*ask)(void *context);
    /*
     * Its end. `text` has the answers, each behind an empty line and ended by one; it is valid
     * during the call, and may be changed. `problem` says what failed. If HAProxy answered,
     * haproxy_say() adds commands that follow on the same connection; nobody waits for their
     * answers, but the next query does for their end.
     */
    void (*result)(void *context, enum haproxy_outcome outcome, char *text, size_t length,
                   const char *problem);
    void *context;
};

/*
 * `path` and `events` are copied. `servers` bounds the answer's length. The caller releases it
 * with haproxy_free(), which gives up a query under way without a result.
 */
struct haproxy *haproxy_new(struct event_base *base, const char *path, size_t servers,
                            const struct haproxy_events *events);
void haproxy_free(struct haproxy *haproxy);

/*
 * A query soon, from the loop: at once, or when the gap after the one before is over. Calls
 * before it begins share it; one while it is under way does nothing.
 */
void haproxy_query(struct haproxy *haproxy);

/* Adds a command, without its newline, to the query that begins or has just been answered. */
void haproxy_say(struct haproxy *haproxy, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * From the beginning of one query to that of the next: so many times what the one before took,
 * so that a large HAProxy isn't kept busy with answering us, within these bounds. The greatest is
 * well below the 100 ms by which a count may be younger than the report it is subtracted from.
 */
#define HAPROXY_GAP_FACTOR 5
#define HAPROXY_GAP_MIN_MS 1
#define HAPROXY_GAP_MAX_MS 40

/* A busy HAProxy answers late; only a stuck one not at all. */
#define HAPROXY_TIMEOUT_MS 1000

#endif
