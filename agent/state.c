#include "state.h"

#include <event2/util.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "xalloc.h"

static void take_over(struct state *state, const struct farm *previous)
{
    const struct state *old = previous == NULL ? NULL : farm_find(previous, state->number);

    if (old == NULL || strcmp(old->url, state->url) != 0)
        return;
    char *url = state->url;
    *state = *old;
    state->url = url;
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
    farm->states = xcalloc(farm->count, sizeof(*farm->states));
    for (size_t i = 0; i < farm->count; i++) {
        farm->states[i] = (struct state){
            .number = config->instances[i].number,
            .url = xstrdup(config->instances[i].url.text),
            .healthy = true,
            .changed_ms = now->monotonic_ms,
        };
        take_over(&farm->states[i], previous);
    }
    return farm;
}

void farm_free(struct farm *farm)
{
    if (farm == NULL)
        return;
    for (size_t i = 0; i < farm->count; i++)
        free(farm->states[i].url);
    free(farm->states);
    free(farm);
}

static int compare_number(const void *key, const void *element)
{
    unsigned number = *(const unsigned *)key;
    unsigned other = ((const struct state *)element)->number;

    return (number > other) - (number < other);
}

struct state *farm_find(const struct farm *farm, unsigned number)
{
    return bsearch(&number, farm->states, farm->count, sizeof(*farm->states), compare_number);
}

size_t farm_count_healthy(const struct farm *farm)
{
    size_t healthy = 0;

    for (size_t i = 0; i < farm->count; i++)
        healthy += farm->states[i].healthy;
    return healthy;
}

bool farm_fails_alike(const struct farm *farm)
{
    bool any = false;

    for (size_t i = 0; i < farm->count; i++) {
        const struct state *state = &farm->states[i];
        if (!state->healthy || state->drained || state->maintained)
            continue;
        if (state->jobs_penalty == 0 && !state->errors.is_held)
            return false;
        any = true;
    }
    return any;
}

static enum state_change set_health(struct state *state, bool healthy, const struct moment *now)
{
    if (state->healthy == healthy)
        return STATE_UNCHANGED;
    state->healthy = healthy;
    state->changed_ms = now->monotonic_ms;
    return healthy ? STATE_BECAME_HEALTHY : STATE_BECAME_UNHEALTHY;
}

/* A check in its own interval after the last one that counted, with some tolerance. */
static bool is_counted(const struct state *state, int64_t started_ms, unsigned interval_ms)
{
    return state->failures == 0 ||
           started_ms - state->failed_ms >= (int64_t)(interval_ms - interval_ms / 4);
}

static enum state_change apply_failure(struct state *state, const struct sample *sample,
                                       const struct state_start *start,
                                       const struct state_rules *rules, const struct moment *now)
{
    snprintf(state->error, sizeof(state->error), "%s%s%s", check_reason_text(sample->reason),
             sample->detail[0] == '\0' ? "" : ": ", sample->detail);
    state->failed[sample->reason]++;
    if (!is_counted(state, start->at_ms, rules->interval_ms))
        return STATE_UNCHANGED;
    state->failures++;
    state->failed_ms = start->at_ms;
    return state->failures < rules->unhealthy_after ? STATE_UNCHANGED
                                                    : set_health(state, false, now);
}

static unsigned at_least_0(uint64_t minuend, uint64_t subtrahend)
{
    return minuend > subtrahend ? (unsigned)(minuend - subtrahend) : 0;
}

static unsigned estimate_external(const struct state *state, const struct state_start *start)
{
    unsigned come = at_least_0(state->sessions, start->sessions);
    unsigned gone = at_least_0((uint64_t)start->in_flight + come, state->in_flight);
    unsigned least = at_least_0(state->active_jobs, (uint64_t)state->in_flight + gone);
    unsigned most = at_least_0(state->active_jobs, at_least_0(state->in_flight, come));

    if (state->external_jobs < least)
        return least;
    return state->external_jobs > most ? most : state->external_jobs;
}

enum state_change state_apply(struct state *state, const struct sample *sample,
                              const struct state_start *start, const struct state_rules *rules,
                              const struct moment *now)
{
    state->checked = true;
    state->last_check = now->wall;
    state->reason = sample->reason;
    if (sample->reason != CHECK_PASSED)
        return apply_failure(state, sample, start, rules, now);
    /* One that answers again takes connections again. */
    if (state->error[0] != '\0')
        state->errors.penalty = 0;
    state->errors.is_held = state->errors.is_held && state->errors.penalty > 0;
    state->error[0] = '\0';
    state->failures = 0;
    state->passed++;
    state->active_jobs = sample->active_jobs;
    state->external_jobs = estimate_external(state, start);
    forecast_take(&state->forecast, state->external_jobs, start->acceptances != state->reported);
    state->reported = start->acceptances;
    return set_health(state, true, now);
}

/*
 * A connection that fails counts as four jobs: it lost none, but an instance that doesn't take
 * connections is of no use.
 */
static unsigned grow(unsigned penalty, uint64_t connections, uint64_t responses)
{
    for (; connections > 0 && penalty < PENALTY_MAX; connections--)
        penalty = penalty * 16 + 15;
    for (; responses > 0 && penalty < PENALTY_MAX; responses--)
        penalty = penalty * 2 + 1;
    return penalty < PENALTY_MAX ? penalty : PENALTY_MAX;
}

/* Many in a row are held against it for longer. */
static int64_t held_ms(const struct state_errors *errors)
{
    return STATE_ERRORS_MS +
           (int64_t)(STATE_ERRORS_MAX_MS - STATE_ERRORS_MS) * errors->penalty / PENALTY_MAX;
}

void state_see_errors(struct state *state, int64_t now_ms)
{
    struct state_errors *errors = &state->errors;
    uint64_t connections = state->failed_connections - errors->connections;
    uint64_t responses = state->failed_responses - errors->responses;

    /* Counters that are smaller than before are those of a new process. */
    if (!errors->is_known || state->failed_connections < errors->connections ||
        state->failed_responses < errors->responses || state->successes < errors->successes)
        connections = responses = 0;
    /* A response that broke off may have been counted as a success when it began. */
    if (errors->is_known && state->successes > errors->successes &&
        state->successes - errors->successes > responses)
        errors->penalty = 0;
    if (connections + responses > 0) {
        errors->penalty = grow(errors->penalty, connections, responses);
        errors->latest_ms = now_ms;
    }
    errors->is_known = true;
    errors->connections = state->failed_connections;
    errors->responses = state->failed_responses;
    errors->successes = state->successes;
    errors->is_held = errors->penalty > 0 && now_ms - errors->latest_ms < held_ms(errors);
}

void state_inherit(struct state *state)
{
    state->external_jobs += state->in_flight + state_accepted(state);
    if (state->external_jobs > SAMPLE_JOBS_MAX)
        state->external_jobs = SAMPLE_JOBS_MAX;
    if (state->passed > 0 || state->external_jobs > 0)
        forecast_restart(&state->forecast, state->external_jobs);
    state->in_flight = 0;
    state->sessions = 0;
    state->acceptances = state->reported = state->told = 0;
    state->jobs_penalty = 0;
    state->errors.is_known = false;
}

unsigned state_accepted(const struct state *state)
{
    uint32_t accepted = state->acceptances - state->reported;

    return accepted < SAMPLE_JOBS_MAX ? accepted : SAMPLE_JOBS_MAX;
}

static unsigned check_penalty(const struct state *state)
{
    return state->error[0] == '\0' ? 0 : PENALTY_MAX;
}

/* What HAProxy has to be told of. */
static unsigned told_penalty(const struct state *state)
{
    return check_penalty(state) + (state->errors.is_held ? state->errors.penalty : 0);
}

unsigned state_penalty(const struct state *state)
{
    return state->jobs_penalty + told_penalty(state);
}

unsigned state_load(const struct state *state)
{
    return state->in_flight + (unsigned)lround(state->forecast.expected) + state_accepted(state) +
           state_penalty(state);
}

uint32_t state_word(const struct state *state)
{
    uint32_t external = (uint32_t)lround(state->forecast.expected * LOAD_UNIT);
    uint32_t others = told_penalty(state) + (state->drained ? DRAINED_LOAD : 0);

    return LOAD_UNIT * (state->reported - others) - external;
}
