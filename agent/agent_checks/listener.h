#ifndef LEASTJOBS_LISTENER_H
#define LEASTJOBS_LISTENER_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "instances/farm.h"

/*
 * Answers agent-checks on a TCP port: one line in, one line out, at once and from memory. The
 * grammar is in agent_check.h. A client that doesn't ask for an instance of the farm within
 * LISTENER_TIMEOUT_MS is closed without an answer; when `clients_max` are open, the one that
 * has waited longest makes room, so that idle connections can't keep HAProxy out.
 */
struct listener;

#define LISTENER_TIMEOUT_MS 1000

/* Counters for the metrics. */
struct listener_counts {
    uint64_t answered;
    uint64_t refused; /* what came wasn't a request, or there is no such instance */
    uint64_t evicted; /* closed to make room */
};

/*
 * Binds at once. `address` is an IP address or "*". The farm must outlive the listener or be
 * replaced by listener_use(). Returns NULL after an error in errno. listener_free() closes all
 * clients.
 */
struct listener *listener_new(struct event_base *base, const char *address, unsigned port,
                              enum address_use use, size_t clients_max, const struct farm *farm);
void listener_use(struct listener *listener, const struct farm *farm);
/* Opens its port to a successor, see address.h. */
void listener_share(struct listener *listener);
struct listener_counts listener_counts(const struct listener *listener);
void listener_free(struct listener *listener);

#endif
