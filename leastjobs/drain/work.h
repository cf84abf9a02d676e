#ifndef LEASTJOBS_WORK_H
#define LEASTJOBS_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "drain/last_jobs.h"
#include "drain/order.h"
#include "running/site.h"

/* An order that is carried out on some instances. */

struct target {
    unsigned number;
    struct last_jobs jobs;
    bool is_done; /* none is left */
    bool is_back; /* it gets new jobs: somebody has put it back */
};

/* All that it points to is its caller's. */
struct work {
    const struct order *order;
    bool waits;          /* for the last jobs */
    unsigned timeout_ms; /* at most so long; 0: no end */
    struct site *site;
    struct target *targets;
    size_t count;
};

/* Says it, waits until it is in force, and for the last jobs; returns the exit status of drain.h.
 */
int work_carry_out(const struct work *work);

/* --- leftover.c: what is left there */

/* One look at all; returns how many instances have jobs left, as far as is known, by the agent too.
 */
size_t leftover_look(const struct work *work, bool asks_agent);

/* "2 in flight, 1 more". */
#define LEFTOVER_MAX 120
void leftover_describe(const struct last_jobs *jobs, char text[LEFTOVER_MAX]);

/* Waits until none is left; shows on a terminal what is. Returns -1, or an exit status. */
int leftover_wait(const struct work *work);

#endif
