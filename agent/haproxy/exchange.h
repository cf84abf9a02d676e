#ifndef LEASTJOBS_EXCHANGE_H
#define LEASTJOBS_EXCHANGE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "haproxy/presence.h"
#include "instances/farm.h"

/*
 * The agent's side of HAProxy's runtime socket: asks for its counts, notes them in the farm, and
 * tells its tables on the same connection what they and the instances' reports make together. All
 * counts are asked for every quarter of a second or so: to see drains, a new process, and whether
 * jobs run. Those of single instances are asked for when somebody wants them.
 */
struct exchange;

struct exchange_events {
    /*
     * HAProxy is a process that has not met this agent: what its predecessor had open is external
     * now, and its own counts begin at 0. Called before they are noted.
     */
    void (*process_met)(void *context);
    /* All counts have been read. */
    void (*all_counted)(void *context);
    /*
     * The counts of an instance that were wanted are in the farm, or can't be had: then the last
     * ones stand. What changes in here is told to HAProxy right after. exchange_want() may not be
     * called from inside.
     */
    void (*counted)(void *context, size_t index);
    void *context;
};

/* Counters for the metrics. */
struct exchange_counts {
    uint64_t answers;
    uint64_t failures;
    uint64_t processes; /* new ones that were seen */
    bool is_present;
};

/*
 * `config` and `farm` must outlive it; `events` is copied. It asks nothing before
 * exchange_start(). NULL if libevent can't be set up. The caller releases it with exchange_free(),
 * which gives up a query under way; not from inside an event.
 */
struct exchange *exchange_new(struct event_base *base, const struct config *config,
                              struct farm *farm, const struct exchange_events *events);
void exchange_start(struct exchange *exchange);
void exchange_free(struct exchange *exchange);

/* The counts of farm->instances[index] as of after this call; wanted twice, they come once. */
void exchange_want(struct exchange *exchange, size_t index);

/* Tells HAProxy soon which instance has a job; see owners.h. */
void exchange_tell_owner(struct exchange *exchange, const unsigned char *id, size_t length,
                         unsigned number);

struct exchange_counts exchange_counts(const struct exchange *exchange);
/* Whether HAProxy answers; the exchange's. */
const struct presence *exchange_presence(const struct exchange *exchange);

#endif
