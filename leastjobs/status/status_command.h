#ifndef LEASTJOBS_STATUS_COMMAND_H
#define LEASTJOBS_STATUS_COMMAND_H

/*
 * leastjobs status: the instances, one line each. Returns the exit status: 0 if one at least takes
 * jobs, 3 if none does, 1 if the agent or HAProxy doesn't answer, EXIT_USAGE.
 */
int status_command(int argc, char **argv);

#endif
