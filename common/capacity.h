#ifndef LEASTJOBS_CAPACITY_H
#define LEASTJOBS_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/*
 * Capacities: what instances are good for, in any unit that is the same for all (slots, jobs at a
 * time, a speed); only their ratios matter. Where they are equal and stay so, loads are compared
 * as they are. Where they aren't, (load + 1) / capacity is: what the instance would have with the
 * job, for each unit. A penalty then counts once for each unit, else an instance that fails fast
 * would get the more jobs, the larger it is.
 */
/* Whether loads are compared by capacity. */
bool capacity_is_compared(const struct config *config);

/* Whether some of the capacities that are compared come from reports, so HAProxy is told them. */
bool capacity_is_told(const struct config *config);

#endif
