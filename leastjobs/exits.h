#ifndef LEASTJOBS_EXITS_H
#define LEASTJOBS_EXITS_H

/*
 * Exit statuses of the commands, for scripts, beside 0 and EXIT_USAGE (arguments.h): what was asked
 * or told couldn't be; or it could, and the answer is no: no instance takes jobs, or jobs still run
 * when the time is over.
 */
#define EXIT_UNREACHABLE 1
#define EXIT_NOT_SO 3

#endif
