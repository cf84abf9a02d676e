#ifndef LEASTJOBS_SUPERVISOR_H
#define LEASTJOBS_SUPERVISOR_H

#include "config.h"

/* What one needs to know to run both programs. All must outlive supervisor_run(). */
struct supervisor_plan {
    const struct config_sources *sources;
    const char *sample; /* a file that the example sends, which is shown when all works */
};

/* First thing: a signal that comes before there is a handler for it waits until there is. As PID 1
 * of a container it would be lost, since nothing happens there by default. */
void supervisor_hold_signals(void);

/*
 * Generates haproxy.cfg, starts the agent and HAProxy, and keeps them running until a signal ends
 * it. Returns the exit status: 0 after that, EXIT_USAGE for a bad configuration, 1 if something
 * can't be started.
 */
int supervisor_run(const struct supervisor_plan *plan);

#endif
