#ifndef LEASTJOBS_NAMES_H
#define LEASTJOBS_NAMES_H

/* What genconf writes into haproxy.cfg and the agent reads back from HAProxy. */
#define BACKEND_NAME "farm"
#define INSTANCE_PREFIX "instance"

/*
 * The maxconn of an instance that nobody else uses. The agent takes the external jobs off, so that
 * what HAProxy has left of it (srv_conn_free) falls with every job. It is never used up: no
 * instance has so many external jobs (SAMPLE_JOBS_MAX), no HAProxy so many connections.
 */
#define INSTANCE_ROOM 1000000000U

#endif
