#ifndef LEASTJOBS_SITE_H
#define LEASTJOBS_SITE_H

#include "running/fleet_view.h"
#include "running/servers.h"
#include "running/where.h"

/* The leastjobs that runs: its agent, if that answers, and HAProxy's sockets, as the agent has
 * them, else as configured. */
struct site {
    struct where where;
    bool has_agent;
    char problem[FLEET_PROBLEM_MAX]; /* why the agent doesn't answer */
    struct fleet_view view;          /* what it said last */
    char *socket;                    /* HAPROXY_SOCKET */
    char *operators;                 /* the operator's socket */
};

/* Returns -1 to go on, or an exit status as of where_find(). To be released with site_free(). */
int site_find(struct site *site, const struct config_sources *sources, const char *program);
void site_free(struct site *site);

/* Asks the agent again. */
void site_refresh(struct site *site);

/* HAProxy's servers; false after a message on standard error. */
bool site_ask_servers(const struct site *site, struct servers *servers, const char *program);

#endif
