#include "census.h"

#include <stdbool.h>
#include <stddef.h>

#include "instance.h"
#include "sim.h"

/* Marsaglia's xorshift64: the ties have to be spread, not to be unforeseeable, and a run that can
 * be repeated is worth something. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct instance *census_fewest(struct sim *sim)
{
    struct instance *found = NULL;
    int64_t fewest = INT64_MAX;
    uint64_t ties = 0;
    for (size_t i = 0; i < sim->instance_count; i++) {
        struct instance *instance = &sim->instances[i];
        int64_t load = instance->listening ? instance_load(instance) : INT64_MAX;
        if (load < fewest) {
            fewest = load;
            ties = 0;
        }
        /* The nth of n takes the others' place with a chance of 1/n: all have the same in the end.
         */
        if (load == fewest && instance->listening && next_random(&sim->random) % ++ties == 0) {
            found = instance;
        }
    }
    return found;
}

void census_compare(const struct instance *instance, int64_t *excess, int64_t *imbalance)
{
    const struct sim *sim = instance->sim;
    const int64_t own = instance_load(instance);
    int64_t least = own;
    int64_t most = own;
    for (size_t i = 0; i < sim->instance_count; i++) {
        if (sim->instances[i].listening) {
            int64_t load = instance_load(&sim->instances[i]);
            least = load < least ? load : least;
            most = load > most ? load : most;
        }
    }
    *excess = own - least;
    *imbalance = most - least;
}
