#ifndef LEASTJOBS_RESTARTS_H
#define LEASTJOBS_RESTARTS_H

#include <stdint.h>

/*
 * When a process that has ended is started again: at once, but one that ends again and again after
 * longer and longer pauses, so that nothing spins. Zero-initialise it.
 */
struct restarts {
    int64_t started_ms;
    unsigned in_a_row; /* ends of processes that hadn't run for RESTART_STEADY_MS */
};

#define RESTART_STEADY_MS 10000
#define RESTART_FIRST_MS 250
#define RESTART_MOST_MS 5000

void restarts_note_start(struct restarts *restarts, int64_t now_ms);

/* It has ended: the pause before it is started again. */
int64_t restarts_note_end(struct restarts *restarts, int64_t now_ms);

#endif
