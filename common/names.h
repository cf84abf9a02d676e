#ifndef LEASTJOBS_NAMES_H
#define LEASTJOBS_NAMES_H

/* What genconf writes into haproxy.cfg and the agent reads back from HAProxy. */
#define BACKEND_NAME "farm"
#define INSTANCE_PREFIX "instance"

/*
 * Stick tables, keyed by instances' numbers. What HAProxy can't see of an instance's load is
 * 16 gpc0 - gpt0 of table jobs, in sixteenths of a job and modulo 2^32: gpc0 counts the jobs that
 * it accepted and that go on after their answer, gpt0 is the agent's word, 16 gpc0 as of a report
 * less the jobs that nobody but the report knows of. In table failed gpt0 is the penalty, in jobs:
 * 2^k - 1 after k failed jobs.
 */
#define LOAD_UNIT 16U
#define TABLE_JOBS "jobs"
#define TABLE_FAILED "failed"
#define PENALTY_MAX 16383U

/* What a drained instance's load is raised by until its weight says it: it is picked last. */
#define DRAINED_LOAD (1U << 25)

/* HAProxy's server-state-file, beside its socket. */
#define STATE_FILE_SUFFIX ".state"
#define STATE_FILE_EMPTY "1\n" /* of version 1, with nobody in it */

#endif
