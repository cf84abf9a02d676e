#include "instances/instance.h"

#include <math.h>
#include <stdio.h>

#include "names.h"

static enum instance_change set_health(struct instance *instance, bool healthy,
                                       const struct moment *now)
{
    if (instance->healthy == healthy)
        return INSTANCE_UNCHANGED;
    instance->healthy = healthy;
    instance->changed_ms = now->monotonic_ms;
    return healthy ? INSTANCE_BECAME_HEALTHY : INSTANCE_BECAME_UNHEALTHY;
}

/* A check in its own interval after the last one that counted, with some tolerance. */
static bool is_counted(const struct instance *instance, int64_t started_ms, unsigned interval_ms)
{
    return instance->failures == 0 ||
           started_ms - instance->failed_ms >= (int64_t)(interval_ms - interval_ms / 4);
}

static enum instance_change apply_failure(struct instance *instance,
                                          const struct check_result *result,
                                          const struct check_start *start,
                                          const struct check_rules *rules, const struct moment *now)
{
    snprintf(instance->error, sizeof(instance->error), "%s%s%s", check_reason_text(result->reason),
             result->detail[0] == '\0' ? "" : ": ", result->detail);
    instance->failed[result->reason]++;
    if (!is_counted(instance, start->at_ms, rules->interval_ms))
        return INSTANCE_UNCHANGED;
    instance->failures++;
    instance->failed_ms = start->at_ms;
    return instance->failures < rules->unhealthy_after ? INSTANCE_UNCHANGED
                                                       : set_health(instance, false, now);
}

static unsigned at_least_0(uint64_t minuend, uint64_t subtrahend)
{
    return minuend > subtrahend ? (unsigned)(minuend - subtrahend) : 0;
}

/* What a report should show: the jobs accepted since the one before have become external ones. */
static unsigned expect_external(const struct instance *instance, const struct check_start *start)
{
    uint64_t jobs = (uint64_t)instance->external_jobs + (start->acceptances - instance->reported);

    return jobs < JOBS_MAX ? (unsigned)jobs : JOBS_MAX;
}

static unsigned estimate_external(const struct instance *instance, const struct check_start *start)
{
    unsigned expected = expect_external(instance, start);
    unsigned come = at_least_0(instance->sessions, start->sessions);
    unsigned gone = at_least_0((uint64_t)start->in_flight + come, instance->in_flight);
    unsigned least = at_least_0(instance->active_jobs, (uint64_t)instance->in_flight + gone);
    unsigned most = at_least_0(instance->active_jobs, at_least_0(instance->in_flight, come));

    if (expected < least)
        return least;
    return expected > most ? most : expected;
}

static bool is_busy(const struct instance *instance, const struct check_result *result)
{
    return result->reason == CHECK_TIMED_OUT && result->is_connected &&
           result->counting == COUNTS_NOTHING && instance->in_flight > 0;
}

static void apply_busy(struct instance *instance)
{
    instance->reason = CHECK_BUSY;
    instance->failed[CHECK_BUSY]++;
    snprintf(instance->error, sizeof(instance->error), "%s", check_reason_text(CHECK_BUSY));
}

/* The job count of a report, and what of it HAProxy can't see. */
static void take_count(struct instance *instance, const struct check_result *result,
                       const struct check_start *start)
{
    switch (result->counting) {
    case COUNTS_ALL:
        instance->active_jobs = result->active_jobs;
        instance->external_jobs = estimate_external(instance, start);
        break;
    case COUNTS_WAITING:
        instance->active_jobs = result->active_jobs + instance->in_flight;
        instance->external_jobs = result->active_jobs;
        break;
    case COUNTS_NOTHING:
        instance->active_jobs = instance->in_flight;
        instance->external_jobs = 0;
        forecast_restart(&instance->forecast, 0);
        return;
    }
    forecast_take(&instance->forecast, instance->external_jobs,
                  start->acceptances != instance->reported);
}

enum instance_change instance_apply(struct instance *instance, const struct check_result *result,
                                    const struct check_start *start,
                                    const struct check_rules *rules, const struct moment *now)
{
    instance->checked = true;
    instance->last_check = now->wall;
    instance->reason = result->reason;
    if (is_busy(instance, result)) {
        apply_busy(instance);
        return INSTANCE_UNCHANGED;
    }
    if (result->reason != CHECK_PASSED)
        return apply_failure(instance, result, start, rules, now);
    /* One that answers again takes connections again. */
    if (instance->error[0] != '\0')
        server_errors_forgive(&instance->errors);
    instance->error[0] = '\0';
    instance->failures = 0;
    instance->passed++;
    instance->passed_ms = now->monotonic_ms;
    take_count(instance, result, start);
    if (result->capacity > 0)
        instance->capacity = result->capacity;
    instance->lacks_capacity = result->lacks_capacity;
    instance->reported = start->acceptances;
    return set_health(instance, true, now);
}

struct tally_news instance_see_counters(struct instance *instance, int64_t now_ms)
{
    server_errors_see(&instance->errors, &instance->counters, now_ms);
    return tally_see(&instance->tally, instance->sessions, &instance->counters, now_ms);
}

void instance_inherit(struct instance *instance)
{
    instance->external_jobs += instance->in_flight + instance_accepted(instance);
    if (instance->external_jobs > JOBS_MAX)
        instance->external_jobs = JOBS_MAX;
    if (instance->passed > 0 || instance->external_jobs > 0)
        forecast_restart(&instance->forecast, instance->external_jobs);
    instance->in_flight = 0;
    instance->sessions = 0;
    instance->acceptances = instance->reported = 0;
    instance->told = instance->told_capacity = 0;
    instance->jobs_penalty = 0;
    server_errors_expect_process(&instance->errors);
}

bool instance_is_drained(const struct instance *instance)
{
    return instance->drained || instance->leaving;
}

bool instance_takes_jobs(const struct instance *instance)
{
    return instance->healthy && !instance_is_drained(instance) && !instance->maintained;
}

unsigned instance_accepted(const struct instance *instance)
{
    uint32_t accepted = instance->acceptances - instance->reported;

    return accepted < JOBS_MAX ? accepted : JOBS_MAX;
}

static unsigned check_penalty(const struct instance *instance)
{
    return instance->error[0] == '\0' ? 0 : PENALTY_MAX;
}

static unsigned in_jobs(const struct instance *instance, unsigned penalty)
{
    return instance->compares_capacity ? penalty * instance->capacity : penalty;
}

/* What HAProxy has to be told of. */
static unsigned told_penalty(const struct instance *instance)
{
    unsigned penalty =
        in_jobs(instance, check_penalty(instance) + server_errors_penalty(&instance->errors));

    return penalty < TOLD_PENALTY_MAX ? penalty : TOLD_PENALTY_MAX;
}

unsigned instance_penalty(const struct instance *instance)
{
    return in_jobs(instance, instance->jobs_penalty) + told_penalty(instance);
}

unsigned instance_load(const struct instance *instance)
{
    return instance->in_flight + (unsigned)lround(instance->forecast.expected) +
           instance_accepted(instance) + instance_penalty(instance);
}

uint32_t instance_word(const struct instance *instance)
{
    uint32_t external = (uint32_t)lround(instance->forecast.expected * LOAD_UNIT);
    uint32_t others = told_penalty(instance) + (instance_is_drained(instance) ? DRAINED_LOAD : 0);

    return LOAD_UNIT * (instance->reported - others) - external;
}
