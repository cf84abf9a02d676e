#ifndef LEASTJOBS_HAPROXY_H
#define LEASTJOBS_HAPROXY_H

#include <event2/event.h>
#include <stddef.h>

/*
 * Reads HAProxy's live counts from its runtime socket (management guide, section 9.3), a
 * connection for each `show stat`: after a reload the path leads to the new process by itself.
 */
struct haproxy;

enum haproxy_outcome {
    HAPROXY_ANSWERED,
    HAPROXY_ABSENT, /* no socket there, or nobody behind it: HAProxy isn't running */
    HAPROXY_FAILED, /* it is, but gave no whole answer in time */
};

/* `text` is what it answered, valid during the call; `problem` says what failed otherwise. */
typedef void (*haproxy_result)(void *context, enum haproxy_outcome outcome, const char *text,
                               size_t length, const char *problem);

/*
 * `path` is copied. `servers` bounds the answer's length. The caller releases it with
 * haproxy_free(), which gives up a query under way without a result.
 */
struct haproxy *haproxy_new(struct event_base *base, const char *path, size_t servers,
                            haproxy_result result, void *context);
void haproxy_free(struct haproxy *haproxy);

/*
 * Asks for the counts as they are now. The result comes later, from the loop: at once, or some
 * HAPROXY_GAP_MS after the query before. Calls during a wait or a query share its result.
 */
void haproxy_query(struct haproxy *haproxy);

/*
 * At the most this often, so that a thousand instances don't mean a thousand queries; well below
 * the 100 ms by which a count may be younger than the report it is subtracted from.
 */
#define HAPROXY_GAP_MS 40

/* A busy HAProxy answers late; only a stuck one not at all. */
#define HAPROXY_TIMEOUT_MS 1000

#endif
