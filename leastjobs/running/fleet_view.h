#ifndef LEASTJOBS_FLEET_VIEW_H
#define LEASTJOBS_FLEET_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "running/where.h"

/*
 * The agent's GET /fleet, read: agent/http/fleet.h has its form. What isn't there is NULL, 0 or
 * false, so that an agent of a neighbouring version can be looked at.
 */

struct fleet_instance {
    unsigned number;
    const char *url;
    const char *report_url;
    const char *report_field;
    const char *capacity_field;
    const char *error; /* of its last check; NULL: it passed */
    bool is_healthy;
    bool is_drained;
    bool is_in_maintenance;
    bool is_leaving; /* found by a name or in a file, and there no more: drained, too */
    bool is_busy;
    double capacity;
    double active_jobs; /* as last reported */
    double in_flight;
    double external_jobs; /* those expected now */
    double accepted_jobs;
    double penalty;
    double load;
    double report_age_s; /* below 0: no report yet */
    double jobs_per_minute;
};

/* All texts are the view's. */
struct fleet_view {
    char *text; /* as it came */
    void *root; /* cJSON's */
    bool has_haproxy;
    const char *haproxy_problem; /* NULL: none */
    const char *socket;          /* HAPROXY_SOCKET, as the agent has it */
    double total_active_jobs;
    double jobs_per_minute;
    bool compares_capacities;
    struct fleet_instance *instances; /* by number */
    size_t count;
};

/* False with what is wrong in `problem`: a sentence without its full stop. */
#define FLEET_PROBLEM_MAX 512
bool fleet_view_get(struct fleet_view *view, const struct where *where,
                    char problem[FLEET_PROBLEM_MAX]);

/* The same of bytes that came: owns `text`, which ends with a NUL. */
bool fleet_view_parse(struct fleet_view *view, char *text, size_t length);
void fleet_view_free(struct fleet_view *view);

/* NULL if there is no such instance. */
const struct fleet_instance *fleet_view_find(const struct fleet_view *view, unsigned number);

/* As far as the agent knows: healthy, and not taken out by an operator. */
bool fleet_takes_jobs(const struct fleet_instance *instance);
size_t fleet_count_healthy(const struct fleet_view *view);
size_t fleet_count_takers(const struct fleet_view *view);

#endif
