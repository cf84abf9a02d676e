#ifndef LEASTJOBS_REPORT_H
#define LEASTJOBS_REPORT_H

#include <cjson/cJSON.h>

#include "agent_checks/listener.h"
#include "checks/checks.h"
#include "config.h"
#include "instances/farm.h"

/* What the status pages show; all of it is the service's and outlives the view. */
struct report_view {
    const struct config *config;
    const struct farm *farm;
    const struct checks *checks;
    const struct listener *listener;
};

/* The bodies of GET / and GET /health: JSON text for the caller to free(). */
char *report_root(const struct report_view *view);
char *report_health(const struct report_view *view);

/* What the latter has of an instance; and a time in its form, null for none, added to an object. */
cJSON *report_instance(const struct instance *instance);
void report_add_time(cJSON *object, const char *name, const struct timespec *when);
double report_count_jobs(const struct farm *farm);

#endif
