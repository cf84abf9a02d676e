#ifndef LEASTJOBS_CHECKS_H
#define LEASTJOBS_CHECKS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "state.h"

/*
 * What keeps a farm up to date: the poller's results, each joined with HAProxy's counts as of
 * the same moment. Nothing else writes to the farm. Logs what changes.
 */
struct checks;

/* Counters for the metrics. */
struct checks_counts {
    uint64_t haproxy_answers;
    uint64_t haproxy_failures;
    bool haproxy_present;
};

/*
 * Starts checking at once. `config` and `farm` must outlive it. `connections_max` bounds the
 * poller's connections (0: no bound). NULL if out of memory. checks_free() gives up what is
 * under way; not from inside a callback of the poller.
 */
struct checks *checks_new(struct event_base *base, const struct config *config, struct farm *farm,
                          long connections_max);
struct checks_counts checks_counts(const struct checks *checks);
void checks_free(struct checks *checks);

#endif
