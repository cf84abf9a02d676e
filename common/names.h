#ifndef LEASTJOBS_NAMES_H
#define LEASTJOBS_NAMES_H

/* What genconf writes into haproxy.cfg and the agent reads back from HAProxy. */
#define BACKEND_NAME "farm"
#define INSTANCE_PREFIX "instance"

#endif
