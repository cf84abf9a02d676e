#ifndef LEASTJOBS_POLLER_H
#define LEASTJOBS_POLLER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "sample.h"

/*
 * Asks every instance for its health, on libcurl's multi interface inside libevent's loop: new
 * instances at once, then each once per interval, spread over it; one request per instance at a
 * time; connections are kept alive. Names are looked up by lookup.h, never by libcurl. It follows
 * no redirect, uses no proxy and verifies TLS.
 */
struct poller;

/* How a poll of config->instances[index] ended, and how long it took. */
typedef void (*poller_result)(void *context, size_t index, const struct sample *sample,
                              unsigned took_ms);
/* A poll of that instance was due while the one before was still under way. */
typedef void (*poller_missed)(void *context, size_t index);

/* HAProxy's address of that instance's server (lookup_ask() has the form), or NULL. */
typedef const char *(*poller_address)(void *context, size_t index);

struct poller_events {
    poller_result result;
    poller_missed missed;
    poller_address address; /* NULL: HAProxy's addresses aren't known */
    void *context;
};

/*
 * `config` must outlive the poller. `is_known` has a flag for each instance: those that were
 * checked before aren't all asked at once. `connections_max` bounds open connections (0: no
 * bound). Returns NULL if libcurl or libevent can't be set up. The caller releases it with
 * poller_free(), which gives up polls under way without a result; not from inside a callback.
 */
struct poller *poller_new(struct event_base *base, const struct config *config,
                          const bool *is_known, long connections_max,
                          const struct poller_events *events);
void poller_free(struct poller *poller);

#endif
