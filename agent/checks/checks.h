#ifndef LEASTJOBS_CHECKS_H
#define LEASTJOBS_CHECKS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "instances/farm.h"

/*
 * What keeps a farm and HAProxy's tables up to date: before each health check, and again after
 * it, HAProxy is asked for its counts; what they and the report make together is told to HAProxy
 * on the same connection. Between the checks it asks for all counts every quarter of a second or
 * so: to see drains, a new process, and whether jobs run; then instances are checked every
 * JOBS_INTERVAL instead of every HEALTH_CHECK_INTERVAL. Nothing else writes to the farm. Logs
 * what changes.
 */
struct checks;

/* Counters for the metrics. */
struct checks_counts {
    uint64_t haproxy_answers;
    uint64_t haproxy_failures;
    uint64_t haproxy_processes; /* new ones that were seen */
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
