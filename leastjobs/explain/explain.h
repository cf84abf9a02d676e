#ifndef LEASTJOBS_EXPLAIN_H
#define LEASTJOBS_EXPLAIN_H

/*
 * leastjobs explain: which instance the next job goes to, and why. Returns the exit status: 0 if
 * there is one, 3 if not, 1 if HAProxy can't be asked, EXIT_USAGE.
 */
int explain_command(int argc, char **argv);

#endif
