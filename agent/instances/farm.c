#include "instances/farm.h"

#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

#include "capacity.h"
#include "xalloc.h"

static void take_over(struct instance *instance, const struct farm *previous, bool reads_capacity)
{
    const struct instance *old = previous == NULL ? NULL : farm_find(previous, instance->number);

    if (old == NULL || strcmp(old->url, instance->url) != 0)
        return;
    char *url = instance->url;
    unsigned capacity = instance->capacity;
    *instance = *old;
    instance->url = url;
    if (!reads_capacity)
        instance->capacity = capacity;
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
    if (previous != NULL)
        farm->failures = previous->failures;
    farm->instances = xcalloc(farm->count, sizeof(*farm->instances));
    /* What the rules do with capacities is of the new configuration. */
    bool is_compared = capacity_is_compared(config);
    bool is_told = capacity_is_told(config);
    for (size_t i = 0; i < farm->count; i++) {
        bool reads_capacity = config->instances[i].capacity_locator != NULL;
        farm->instances[i] = (struct instance){
            .number = config->instances[i].number,
            .url = xstrdup(config->instances[i].url.text),
            .capacity = config->instances[i].capacity,
            .healthy = true,
            .changed_ms = now->monotonic_ms,
            .passed_ms = now->monotonic_ms,
        };
        take_over(&farm->instances[i], previous, reads_capacity);
        farm->instances[i].leaving = config->instances[i].is_leaving;
        farm->instances[i].compares_capacity = is_compared;
        farm->instances[i].tells_capacity = reads_capacity && is_told;
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

bool farm_has_withdrawn(const struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        if (instance_is_drained(&farm->instances[i]) || farm->instances[i].maintained)
            return true;
    }
    return false;
}

bool farm_fails_alike(const struct farm *farm)
{
    bool any = false;

    for (size_t i = 0; i < farm->count; i++) {
        const struct instance *instance = &farm->instances[i];
        if (!instance_takes_jobs(instance))
            continue;
        if (instance->jobs_penalty == 0 && server_errors_penalty(&instance->errors) == 0)
            return false;
        any = true;
    }
    return any;
}
