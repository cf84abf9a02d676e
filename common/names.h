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
 * 2^(k-1) - 1 after k failed jobs in a row. Where capacities come from reports (capacity.h), gpc1
 * of table jobs is the instance's, less 1.
 */
#define LOAD_UNIT 16U
#define TABLE_JOBS "jobs"
#define TABLE_FAILED "failed"
#define TABLE_FAILURES "failures" /* what the next penalty grows from */
#define PENALTY_MAX 16383U
/* In jobs, once for each unit of capacity: what of it the agent's word has at most. */
#define TOLD_PENALTY_MAX (1U << 24)
/* Of jobs: a broken instance gets none as long as no other has so many more. */
#define JOBS_PENALTY_MAX 63U

/* What a drained instance's load is raised by until its weight says it: it is picked last. */
#define DRAINED_LOAD (1U << 25)

/*
 * HAProxy's server-state-file, in a folder beside its socket: of two users, genconf's and the
 * agent's, each must be able to replace what the other wrote, but nothing else where the socket is.
 */
#define STATE_DIRECTORY_SUFFIX ".state"
#define STATE_DIRECTORY_MODE 0770
#define STATE_FILE_NAME "/servers"
#define STATE_FILE_SUFFIX STATE_DIRECTORY_SUFFIX STATE_FILE_NAME
#define STATE_FILE_VERSION "1"
#define STATE_FILE_MODE 0640 /* for HAProxy's user and the agent's, by their group */

#endif
