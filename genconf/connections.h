#ifndef LEASTJOBS_CONNECTIONS_H
#define LEASTJOBS_CONNECTIONS_H

#include "config.h"

/*
 * How many connections HAProxy has for what, when so many clients may have a job in it. Pure
 * functions of the configuration and that number (max_connections itself isn't looked at).
 */

/*
 * Connections of the public port beyond the jobs': for GET / and /health, requests whose header
 * hasn't come yet, and refusals.
 */
unsigned connections_spare(unsigned clients);

/* So many of the spare part are never left to refused jobs that go on sending. */
#define CONNECTIONS_STATUS 4

/*
 * Passes through the loop `again` at a time. A pass lasts as long as its job, so they are bounded,
 * and a job that finds none is refused: if it waited, jobs would wait for each other for ever.
 */
unsigned connections_passes(unsigned clients);

/* Connections of the loop beyond the passes': for the refusals. */
#define CONNECTIONS_LOOP_SPARE 4

/* Connections of those who watch: statistics and metrics. */
#define CONNECTIONS_WATCHERS 4

/*
 * Sessions at HAProxy's runtime sockets. It never ends one that waits at its prompt, so that a few
 * that somebody forgot must not keep the agent and the operator out.
 */
unsigned connections_sessions(unsigned clients);

/* Agent-checks at a time through the relay: 0 if HAProxy finds the agent by its address. */
unsigned connections_relay(const struct config *config);

/* HAProxy's maxconn: the sum. */
unsigned connections_total(const struct config *config, unsigned clients);

/* The open files that HAProxy then wants, and refuses to start without. */
unsigned long long connections_files(const struct config *config, unsigned clients);

/* The most clients for so many open files; 0 if there are too few for one. */
unsigned connections_clients(const struct config *config, unsigned long long files);

#endif
