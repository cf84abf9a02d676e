#include "running/site.h"

#include <stdio.h>
#include <stdlib.h>

#include "names.h"
#include "xalloc.h"

void site_refresh(struct site *site)
{
    fleet_view_free(&site->view);
    site->has_agent = fleet_view_get(&site->view, &site->where, site->problem);
}

int site_find(struct site *site, const struct config_sources *sources, const char *program)
{
    *site = (struct site){0};
    int status = where_find(&site->where, sources, program);
    if (status >= 0)
        return status;
    site_refresh(site);
    site->socket = xstrdup(site->view.socket == NULL ? site->where.socket : site->view.socket);
    site->operators = xasprintf("%s" OPERATOR_SUFFIX, site->socket);
    return -1;
}

void site_free(struct site *site)
{
    where_free(&site->where);
    fleet_view_free(&site->view);
    free(site->socket);
    free(site->operators);
    *site = (struct site){0};
}

bool site_ask_servers(const struct site *site, struct servers *servers, const char *program)
{
    char problem[RUNTIME_PROBLEM_MAX];

    if (servers_ask(servers, site->socket, problem))
        return true;
    fprintf(stderr, "%s: HAProxy can't be asked on %s: %s\n", program, site->socket, problem);
    return false;
}
