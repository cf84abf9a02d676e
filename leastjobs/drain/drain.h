#ifndef LEASTJOBS_DRAIN_H
#define LEASTJOBS_DRAIN_H

/*
 * leastjobs drain, maint, ready: an operator's word on instances, said at HAProxy's operator's
 * socket. They return when it is in force, with --wait when no job is left there, and the exit
 * status: 0, 3 if jobs are left when --timeout is over, 1 if it couldn't be said or isn't in force,
 * EXIT_USAGE.
 */
int drain_command(int argc, char **argv);
int maint_command(int argc, char **argv);
int ready_command(int argc, char **argv);

#endif
