#include "haproxy/drains.h"

#include <stdlib.h>

#include "instances/instance_log.h"
#include "xalloc.h"

struct drains {
    struct farm *farm;
    bool *is_drained; /* one for each instance */
};

struct drains *drains_new(struct farm *farm)
{
    struct drains *drains = xcalloc(1, sizeof(*drains));

    drains->farm = farm;
    drains->is_drained = xcalloc(farm->count, sizeof(*drains->is_drained));
    for (size_t i = 0; i < farm->count; i++)
        drains->is_drained[i] = farm->instances[i].drained;
    return drains;
}

void drains_free(struct drains *drains)
{
    if (drains == NULL)
        return;
    free(drains->is_drained);
    free(drains);
}

void drains_note(struct drains *drains)
{
    for (size_t i = 0; i < drains->farm->count; i++) {
        const struct instance *instance = &drains->farm->instances[i];
        if (instance->drained == drains->is_drained[i])
            continue;
        drains->is_drained[i] = instance->drained;
        instance_log_drain(instance);
    }
}

void drains_restore(const struct drains *drains)
{
    for (size_t i = 0; i < drains->farm->count; i++)
        drains->farm->instances[i].drained = drains->is_drained[i];
}
