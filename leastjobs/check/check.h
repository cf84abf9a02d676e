#ifndef LEASTJOBS_CHECK_H
#define LEASTJOBS_CHECK_H

/*
 * leastjobs check: what genconf, HAProxy and the agent say of the configuration. Returns the exit
 * status: EXIT_USAGE for a bad configuration.
 */
int check_command(int argc, char **argv);

#endif
