#ifndef LEASTJOBS_WHERE_H
#define LEASTJOBS_WHERE_H

#include <stdbool.h>

#include "config.h"

/*
 * Where the leastjobs that runs is reached. Only STATUS_PORT, AGENT_BIND_ADDRESS and HAPROXY_SOCKET
 * say so: whether the rest of the configuration is good is no matter here, since what runs may be
 * an older one.
 */
struct where {
    char *agent;  /* the agent's HTTP: "http://127.0.0.1:9778" */
    char *socket; /* HAPROXY_SOCKET, as configured */
};

/*
 * Where no file is named, on the command line or by LEASTJOBS_ENV_FILE, which a container has: .env
 * of the working folder, else that of the services, if it can be read. So the commands work without
 * arguments also beside `make run`, and as root under systemd.
 */
#define DEFAULT_ENV_FILE ".env"
#define SERVICE_ENV_FILE "/etc/leastjobs/leastjobs.env"
void where_choose_files(struct config_sources *sources);

/*
 * Returns -1 to go on, or an exit status after messages on standard error, which begin with
 * `program`. The caller releases it with where_free().
 */
int where_find(struct where *where, const struct config_sources *sources, const char *program);
void where_free(struct where *where);

#endif
