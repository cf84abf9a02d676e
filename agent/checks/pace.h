#ifndef LEASTJOBS_PACE_H
#define LEASTJOBS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "instances/farm.h"

/*
 * How often instances are asked: every HEALTH_CHECK_INTERVAL, and every JOBS_INTERVAL in a busy
 * farm, which is one in which jobs of ours run or have just run. What other people and asynchronous
 * jobs do is only seen in reports: so an instance at which something has changed since its last
 * report is asked again after a part of JOBS_INTERVAL, its gap; as long as nothing does, the gap
 * grows. Values in, values out: no clock, no poller.
 */
struct pace;

/*
 * `config` and `farm` must outlive it; what a reload must not forget of a busy farm is in the farm.
 * The caller releases it with pace_free().
 */
struct pace *pace_new(const struct config *config, struct farm *farm, int64_t now_ms);
void pace_free(struct pace *pace);

/* HAProxy's counts of all instances have been read: is the farm busy? */
void pace_take_counts(struct pace *pace, int64_t now_ms);

/* The time between two checks of each instance, as of the last counts. */
unsigned pace_interval_ms(const struct pace *pace);

/* An instance has reported, `previous_jobs` being its active ones before: longer or shorter gap? */
void pace_take_report(struct pace *pace, size_t index, unsigned previous_jobs);

/* Jobs were accepted at it, which only its reports tell of from here on: the shortest gap. */
void pace_quicken(struct pace *pace, size_t index);

/*
 * Whether an instance is to be asked before its interval is over; *due_ms is then when, on the
 * monotonic clock.
 */
bool pace_is_sooner(const struct pace *pace, size_t index, int64_t *due_ms);

#endif
