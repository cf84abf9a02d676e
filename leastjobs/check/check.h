#ifndef LEASTJOBS_CHECK_H
#define LEASTJOBS_CHECK_H

#include "config.h"

/*
 * leastjobs check: what genconf, HAProxy and the agent say of the configuration. Nothing is
 * written. Returns the exit status: 0, 1 if HAProxy refuses it or can't be run, EXIT_USAGE for a
 * bad one.
 */
int check_command(int argc, char **argv);

/* The same of files that have been chosen. `is_quiet`: nothing is said of a good one. */
int check_configuration(const struct config_sources *sources, bool is_quiet);

#endif
