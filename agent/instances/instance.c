#include "instances/instance.h"

#include <event2/util.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "xalloc.h"

static void take_over(struct instance *instance, const struct farm *previous)
{
    const struct instance *old = previous == NULL ? NULL : farm_find(previous, instance->number);

    if (old == NULL || strcmp(old->url, instance->url) != 0)
        return;
    char *url = instance->url;
    *instance = *old;
    instance->url = url;
}

static uint32_t new_mark(void)
{
    uint32_t mark = 0;

    while (mark == 0)
        evutil_secure_rng_get_bytes(&mark, sizeof(mark));
    return mark;
}

struct farm *farm_new(const struct config *config, const struct farm *previous,
                      const struct moment *now)
{
    struct farm *farm = xcalloc(1, sizeof(*farm));

    farm->count = config->instance_count;
    farm->mark = previous == NULL ? new_mark() : previous->mark;
    farm->busy_ms = previous == NULL ? 0 : previous->busy_ms;
    farm->is_async = previous == NULL || previous->is_async; /* for all that it knows */
    farm->is_inherited = previous != NULL && previous->is_inherited;
    farm->process_ms = previous == NULL ? 0 : previous->process_ms;
    farm->instances = xcalloc(farm->count, sizeof(*farm->instances));
    for (size_t i = 0; i < farm->count; i++) {
        farm->instances[i] = (struct instance){
            .number = config->instances[i].number,
            .url = xstrdup(config->instances[i].url.text),
            .healthy = true,
            .changed_ms = now->monotonic_ms,
        };
        take_over(&farm->instances[i], previous);
    }
    return farm;
}

void farm_free(struct farm *farm)
{
    if (farm == NULL)
        return;
    for (size_t i = 0; i < farm->count; i++)
        free(farm->instances[i].url);
    free(farm->instances);
    free(farm);
}

static int compare_number(const void *key, const void *element)
{
    unsigned number = *(const unsigned *)key;
    unsigned other = ((const struct instance *)element)->number;

    return (number > other) - (number < other);
}

struct instance *farm_find(const struct farm *farm, unsigned number)
{
    return bsearch(&number, farm->instances, farm->count, sizeof(*farm->instances), compare_number);
}

size_t farm_count_healthy(const struct farm *farm)
{
    size_t healthy = 0;

    for (size_t i = 0; i < farm->count; i++)
        healthy += farm->instances[i].healthy;
    return healthy;
}

bool farm_fails_alike(const struct farm *farm)
{
    bool any = false;

    for (size_t i = 0; i < farm->count; i++) {
        const struct instance *instance = &farm->instances[i];
        if (!instance->healthy || instance->drained || instance->maintained)
            continue;
        if (instance->jobs_penalty == 0 && !instance->errors.is_held)
            return false;
        any = true;
    }
    return any;
}

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

static unsigned estimate_external(const struct instance *instance, const struct check_start *start)
{
    unsigned come = at_least_0(instance->sessions, start->sessions);
    unsigned gone = at_least_0((uint64_t)start->in_flight + come, instance->in_flight);
    unsigned least = at_least_0(instance->active_jobs, (uint64_t)instance->in_flight + gone);
    unsigned most = at_least_0(instance->active_jobs, at_least_0(instance->in_flight, come));

    if (instance->external_jobs < least)
        return least;
    return instance->external_jobs > most ? most : instance->external_jobs;
}

enum instance_change instance_apply(struct instance *instance, const struct check_result *result,
                                    const struct check_start *start,
                                    const struct check_rules *rules, const struct moment *now)
{
    instance->checked = true;
    instance->last_check = now->wall;
    instance->reason = result->reason;
    if (result->reason != CHECK_PASSED)
        return apply_failure(instance, result, start, rules, now);
    /* One that answers again takes connections again. */
    if (instance->error[0] != '\0')
        instance->errors.penalty = 0;
    instance->errors.is_held = instance->errors.is_held && instance->errors.penalty > 0;
    instance->error[0] = '\0';
    instance->failures = 0;
    instance->passed++;
    instance->active_jobs = result->active_jobs;
    instance->external_jobs = estimate_external(instance, start);
    forecast_take(&instance->forecast, instance->external_jobs,
                  start->acceptances != instance->reported);
    instance->reported = start->acceptances;
    return set_health(instance, true, now);
}

/*
 * What is seen at once is one failure, since it is one event: an instance that died with all its
 * jobs. A connection that fails counts as four jobs: it lost none, but an instance that doesn't
 * take connections is of no use.
 */
static unsigned grow(unsigned penalty, bool connections, bool responses)
{
    if (connections)
        penalty = penalty * 16 + 15;
    if (responses)
        penalty = penalty * 2 + 1;
    return penalty < PENALTY_MAX ? penalty : PENALTY_MAX;
}

/* Many in a row are held against it for longer. */
static int64_t held_ms(const struct instance_errors *errors)
{
    return INSTANCE_ERRORS_MS +
           (int64_t)(INSTANCE_ERRORS_MAX_MS - INSTANCE_ERRORS_MS) * errors->penalty / PENALTY_MAX;
}

void instance_see_errors(struct instance *instance, int64_t now_ms)
{
    struct instance_errors *errors = &instance->errors;
    uint64_t connections = instance->failed_connections - errors->connections;
    uint64_t responses = instance->failed_responses - errors->responses;

    /* Counters that are smaller than before are those of a new process. */
    if (!errors->is_known || instance->failed_connections < errors->connections ||
        instance->failed_responses < errors->responses || instance->successes < errors->successes)
        connections = responses = 0;
    /* A response that broke off may have been counted as a success when it began. */
    if (errors->is_known && instance->successes > errors->successes &&
        instance->successes - errors->successes > responses)
        errors->penalty = 0;
    if (connections + responses > 0) {
        errors->penalty = grow(errors->penalty, connections > 0, responses > 0);
        errors->latest_ms = now_ms;
    }
    errors->is_known = true;
    errors->connections = instance->failed_connections;
    errors->responses = instance->failed_responses;
    errors->successes = instance->successes;
    errors->is_held = errors->penalty > 0 && now_ms - errors->latest_ms < held_ms(errors);
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
    instance->acceptances = instance->reported = instance->told = 0;
    instance->jobs_penalty = 0;
    instance->errors.is_known = false;
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

/* What HAProxy has to be told of. */
static unsigned told_penalty(const struct instance *instance)
{
    return check_penalty(instance) + (instance->errors.is_held ? instance->errors.penalty : 0);
}

unsigned instance_penalty(const struct instance *instance)
{
    return instance->jobs_penalty + told_penalty(instance);
}

unsigned instance_load(const struct instance *instance)
{
    return instance->in_flight + (unsigned)lround(instance->forecast.expected) +
           instance_accepted(instance) + instance_penalty(instance);
}

uint32_t instance_word(const struct instance *instance)
{
    uint32_t external = (uint32_t)lround(instance->forecast.expected * LOAD_UNIT);
    uint32_t others = told_penalty(instance) + (instance->drained ? DRAINED_LOAD : 0);

    return LOAD_UNIT * (instance->reported - others) - external;
}
