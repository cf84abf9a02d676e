#ifndef LEASTJOBS_NAMES_H
#define LEASTJOBS_NAMES_H

/* What genconf writes into haproxy.cfg and the agent reads back from HAProxy. */
#define BACKEND_NAME "farm"
#define INSTANCE_PREFIX "instance"

/*
 * Stick tables, keyed by instances' numbers. What HAProxy can't see of an instance's load is
 * 16 gpc0 - gpt0 of table jobs, in sixteenths of a job and modulo 2^32: gpc0 counts the jobs that
 * it accepted and that go on after their answer, gpt0 is the agent's word, 16 gpc0 as of a report
 * less the jobs that nobody but the report knows of. gpc1 of it is how many jobs failed in a row.
 * In table failed gpt0 is the penalty, in jobs: 2^(k-1) - 1 after k failed jobs in a row. Where
 * capacities come from reports (capacity.h), gpt0 of table capacities is the instance's, less 1.
 */
#define LOAD_UNIT 16U
#define TABLE_JOBS "jobs"
#define TABLE_FAILED "failed"
#define TABLE_CAPACITIES "capacities"
/* How long a failure makes the next one weigh more; the agent ends it. */
#define FAILURES_AGE_MS (10 * 60 * 1000)
#define PENALTY_MAX 16383U
/* In jobs, once for each unit of capacity: what of it the agent's word has at most. */
#define TOLD_PENALTY_MAX (1U << 24)
/* Of jobs: a broken instance gets none as long as no other has so many more. */
#define JOBS_PENALTY_MAX 63U

/*
 * Which instance has an asynchronous job: gpt0 is its number, the key the job's id in base64 (RFC
 * 4648), so that any id is a word of the runtime socket. Longer ids are in nobody's entry.
 */
#define TABLE_OWNERS "owners"
#define JOB_ID_MAX 64
#define OWNER_KEY_MAX ((JOB_ID_MAX + 2) / 3 * 4)
/* Requests that HAProxy has open at the agent at a time, about jobs that aren't in that table. */
#define FINDER_REQUESTS_MAX 32
/* Bytes that such a request may carry. */
#define FINDER_BODY_MAX 65536

/* What a drained instance's load is raised by until its weight says it: it is picked last. */
#define DRAINED_LOAD (1U << 25)

/*
 * Beside HAPROXY_SOCKET: the operator's socket, and that of HAProxy's master under `leastjobs run`.
 * No longer than the first, for which consistency.c keeps room.
 */
#define OPERATOR_SUFFIX ".admin"
#define MASTER_SUFFIX ".procs"

/*
 * HAProxy's server-state-file, in a folder beside its socket: of two users, genconf's and the
 * agent's, each must be able to replace what the other wrote, but nothing else where the socket is.
 */
#define STATE_DIRECTORY_SUFFIX ".state"
#define STATE_DIRECTORY_MODE 0770
#define STATE_FILE_NAME "/servers"
#define STATE_FILE_SUFFIX STATE_DIRECTORY_SUFFIX STATE_FILE_NAME
#define STATE_FILE_VERSION "1"
/* The instances that `leastjobs run` has found, in the same folder: see found.h. */
#define FOUND_FILE_SUFFIX STATE_DIRECTORY_SUFFIX "/instances"
#define STATE_FILE_MODE 0640 /* for HAProxy's user and the agent's, by their group */

#endif
