#ifndef LEASTJOBS_POLLER_H
#define LEASTJOBS_POLLER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "instances/check_result.h"

/*
 * Asks every instance for its health, on libcurl's multi interface inside libevent's loop: each
 * once per interval, spread over it; one request per instance at a time; connections are kept
 * alive. Names are looked up by lookup.h, never by libcurl. It follows no redirect, uses no proxy
 * and verifies TLS. An instance's moments are those of the monotonic clock, so that a new poller
 * goes on with the pace of the one before.
 */
struct poller;

struct poller_events {
    /* config->instances[index] is due; nothing happens until poller_start(). */
    void (*due)(void *context, size_t index);
    /* How its check ended, and how long it took. */
    void (*result)(void *context, size_t index, const struct check_result *result,
                   unsigned took_ms);
    /* It was due while the check before was still under way, or waited for its start. */
    void (*missed)(void *context, size_t index);
    /* HAProxy's address of its server, in lookup_ask()'s form. NULL: none is known, ever. */
    const char *(*address)(void *context, size_t index);
    void *context;
};

/*
 * `config` must outlive the poller. `is_now` has a flag for each instance: those are due at once,
 * the others when their moment comes, each every `interval_ms`. `connections_max` bounds open
 * connections (0: no bound). Returns NULL if libcurl or libevent can't be set up. The caller
 * releases it with poller_free(), which gives up polls under way without a result; not from inside
 * a callback.
 */
struct poller *poller_new(struct event_base *base, const struct config *config, const bool *is_now,
                          unsigned interval_ms, long connections_max,
                          const struct poller_events *events);
void poller_free(struct poller *poller);

/* Whether its check is under way, or due at once. */
bool poller_is_due(const struct poller *poller, size_t index);

/* Starts the check of an instance that is due. */
void poller_start(struct poller *poller, size_t index);

/*
 * From now on each instance is due so often. With a shorter interval than before, those whose last
 * check is longer ago are due at once, and those whose check is under way when their moment comes.
 */
void poller_set_interval(struct poller *poller, unsigned interval_ms);

/* This one is due in `wait_ms`, if that is sooner than its moment; 0 or less: at once. */
void poller_due_in(struct poller *poller, size_t index, int64_t wait_ms);

/* All are due at once, but those whose check waits for its start. */
void poller_hurry(struct poller *poller);

#endif
