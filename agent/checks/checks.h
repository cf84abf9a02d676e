#ifndef LEASTJOBS_CHECKS_H
#define LEASTJOBS_CHECKS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "haproxy/presence.h"
#include "instances/farm.h"

/*
 * The health checks of a farm. Each is between two readings of HAProxy's counts, which
 * haproxy/exchange.h has: what was open before it is what the report can have, what is open after
 * it is subtracted. How often, pace.h says; poller.h asks. Nothing but this and what it owns
 * writes to the farm. Logs what changes.
 */
struct checks;

/* Counters for the metrics. */
struct checks_counts {
    uint64_t haproxy_answers;
    uint64_t haproxy_failures;
    uint64_t haproxy_processes; /* new ones that were seen */
    bool haproxy_present;
    unsigned due;         /* health checks that are under way, or due at once */
    unsigned interval_ms; /* between two of each instance, as of the last counts */
};

/*
 * Starts checking at once. `config` and `farm` must outlive it. `connections_max` bounds the
 * poller's connections (0: no bound). NULL if out of memory. checks_free() gives up what is
 * under way; not from inside a callback of the poller.
 */
struct checks *checks_new(struct event_base *base, const struct config *config, struct farm *farm,
                          long connections_max);
struct checks_counts checks_counts(const struct checks *checks);
/* Whether HAProxy answers; the checks'. */
const struct presence *checks_presence(const struct checks *checks);
/* Tells HAProxy soon which instance has a job: its bytes, and the instance's number. */
void checks_tell_owner(struct checks *checks, const unsigned char *id, size_t length,
                       unsigned number);
void checks_free(struct checks *checks);

#endif
