#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct farm *farm_new(const struct config *config, const struct farm *previous,
                      const struct moment *now)
{
    struct farm *farm = xcalloc(1, sizeof(*farm));

    farm->count = config->instance_count;
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

static enum state_change set_health(struct state *state, bool healthy, const struct moment *now)
{
    if (state->healthy == healthy)
        return STATE_UNCHANGED;
    state->healthy = healthy;
    state->changed_ms = now->monotonic_ms;
    return healthy ? STATE_BECAME_HEALTHY : STATE_BECAME_UNHEALTHY;
}

static enum state_change apply_failure(struct state *state, const struct sample *sample,
                                       unsigned unhealthy_after, const struct moment *now)
{
    snprintf(state->error, sizeof(state->error), "%s%s%s", check_reason_text(sample->reason),
             sample->detail[0] == '\0' ? "" : ": ", sample->detail);
    state->failed[sample->reason]++;
    state->failures++;
    return state->failures < unhealthy_after ? STATE_UNCHANGED : set_health(state, false, now);
}

enum state_change state_apply(struct state *state, const struct sample *sample,
                              unsigned unhealthy_after, const struct moment *now)
{
    state->checked = true;
    state->last_check = now->wall;
    if (sample->reason != CHECK_PASSED)
        return apply_failure(state, sample, unhealthy_after, now);
    state->error[0] = '\0';
    state->failures = 0;
    state->passed++;
    state->active_jobs = sample->active_jobs;
    state->external_jobs =
        sample->active_jobs > state->in_flight ? sample->active_jobs - state->in_flight : 0;
    return set_health(state, true, now);
}

unsigned state_load(const struct state *state)
{
    return state->in_flight + state->external_jobs;
}
