#include "connections.h"

#define SPARE_SHARE 40
#define SPARE_MIN 10U
#define SPARE_MAX 100U
/* A job that is tried on as many instances as may be takes so many passes. */
#define PASSES_MIN 20U
#define PASSES_LIMIT 1000U
/*
 * An eighth of the clients, but of those beyond this number: 1,024 open files shall do for 386
 * clients of 50 instances.
 */
#define PASSES_FROM 240U
#define PASSES_SHARE 8
#define RELAY_MAX 20U
#define SESSIONS_SHARE 25
#define SESSIONS_MIN 16U
#define SESSIONS_MAX 100U
#define CLIENTS_MAX 1000000U

/*
 * A reload takes one for each worker of before that still has jobs, and two more; the master
 * refuses it if there are too few. With hour-long jobs there may be many.
 */
#define OLD_WORKERS_SHARE 25
#define OLD_WORKERS_MIN 16U
#define OLD_WORKERS_MAX 100U
#define FILES_OF_A_RELOAD 2ULL

/*
 * What HAProxy counts besides connections and checks: 10 "reserved", 1 a session of the runtime
 * sockets (stats maxconn), 3 a thread, its listeners (balancer, again, relay, admin, two sockets),
 * 1 of a worker to its master, 22 of the master's own socket (-S; 11 in HAProxy 2.6).
 */
#define FILES_OF_ITS_OWN 39ULL
#define FILES_OF_A_THREAD 3ULL
#define FILES_OF_A_CONNECTION 2ULL
/* Its own check and the agent-check. */
#define FILES_OF_AN_INSTANCE 2ULL

static unsigned bounded(unsigned value, unsigned low, unsigned high)
{
    if (value < low)
        return low;
    return value > high ? high : value;
}

unsigned connections_spare(unsigned clients)
{
    return bounded(clients / SPARE_SHARE, SPARE_MIN, SPARE_MAX);
}

unsigned connections_passes(unsigned clients)
{
    unsigned beyond = clients > PASSES_FROM ? clients - PASSES_FROM : 0;

    return bounded(beyond / PASSES_SHARE, PASSES_MIN, PASSES_LIMIT);
}

unsigned connections_sessions(unsigned clients)
{
    return bounded(clients / SESSIONS_SHARE, SESSIONS_MIN, SESSIONS_MAX);
}

static unsigned old_workers(unsigned clients)
{
    return bounded(clients / OLD_WORKERS_SHARE, OLD_WORKERS_MIN, OLD_WORKERS_MAX);
}

unsigned connections_relay(const struct config *config)
{
    if (!config_agent_is_remote(config))
        return 0;
    return bounded((unsigned)config->instance_count, 1, RELAY_MAX);
}

unsigned connections_total(const struct config *config, unsigned clients)
{
    return clients + connections_spare(clients) + connections_passes(clients) +
           CONNECTIONS_LOOP_SPARE + CONNECTIONS_WATCHERS + connections_relay(config);
}

unsigned long long connections_files(const struct config *config, unsigned clients)
{
    return FILES_OF_A_CONNECTION * connections_total(config, clients) +
           FILES_OF_AN_INSTANCE * config->instance_count + FILES_OF_A_THREAD * config->threads +
           connections_sessions(clients) + old_workers(clients) + FILES_OF_A_RELOAD +
           FILES_OF_ITS_OWN;
}

unsigned connections_clients(const struct config *config, unsigned long long files)
{
    unsigned low = 0;
    unsigned high = CLIENTS_MAX;

    while (low < high) {
        unsigned middle = low + (high - low + 1) / 2;
        if (connections_files(config, middle) <= files)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
