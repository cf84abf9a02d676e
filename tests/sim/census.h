/* How many jobs has each instance, really? What a balancer would need to know, and is measured
 * against. */
#ifndef SIM_CENSUS_H
#define SIM_CENSUS_H

#include <stdint.h>

struct instance;
struct sim;

/* The listening instance with the fewest jobs (instance_load()); of several one at random. NULL if
 * none listens. */
struct instance *census_fewest(struct sim *sim);

/* Before an instance is given another job: how many jobs it has more than the one with the fewest
 * (excess), and the one with the most more than that (imbalance). Instances that don't listen
 * count only if it is the one itself. */
void census_compare(const struct instance *instance, int64_t *excess, int64_t *imbalance);

#endif
