#ifndef LEASTJOBS_REPORT_H
#define LEASTJOBS_REPORT_H

#include <stdio.h>

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

/* GET /metrics, in Prometheus' text format 0.0.4, at `now_ms` of the monotonic clock. */
void report_metrics(FILE *out, const struct report_view *view, int64_t now_ms);

#endif
