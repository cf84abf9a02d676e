#ifndef LEASTJOBS_RUN_H
#define LEASTJOBS_RUN_H

/*
 * leastjobs run: the agent and HAProxy, kept running, with every change of their files put in
 * force. Returns the exit status: see supervisor.h.
 */
int run_command(int argc, char **argv);

#endif
