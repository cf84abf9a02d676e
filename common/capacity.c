#include "capacity.h"

/* Of one instance alone there is nothing to compare. */
bool capacity_is_told(const struct config *config)
{
    if (config->instance_count < 2)
        return false;
    for (size_t i = 0; i < config->instance_count; i++) {
        if (config->instances[i].capacity_locator != NULL)
            return true;
    }
    return false;
}

bool capacity_is_compared(const struct config *config)
{
    for (size_t i = 1; i < config->instance_count; i++) {
        if (config->instances[i].capacity != config->instances[0].capacity)
            return true;
    }
    return capacity_is_told(config);
}
