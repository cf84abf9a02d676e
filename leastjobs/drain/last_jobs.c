#include "drain/last_jobs.h"

/* A report's age is told in tenths of a second: it may be half of one older. */
#define AGE_DOUBT_MS 50

bool last_jobs_look(struct last_jobs *jobs, const struct server *server, int64_t asked_ms,
                    const struct fleet_instance *instance, int64_t seen_ms)
{
    if (!jobs->is_known || jobs->in_flight > 0 || server->in_flight > 0 ||
        server->sessions != jobs->sessions)
        jobs->quiet_ms = asked_ms;
    jobs->is_known = true;
    jobs->sessions = server->sessions;
    jobs->in_flight = server->in_flight;
    jobs->is_reported = false;
    if (instance == NULL)
        return false;
    jobs->is_silent = instance->error != NULL;
    jobs->others = instance->accepted_jobs;
    if (instance->active_jobs > instance->in_flight)
        jobs->others += instance->active_jobs - instance->in_flight;
    jobs->is_reported =
        instance->report_age_s >= 0 &&
        seen_ms - (int64_t)(instance->report_age_s * 1000) - AGE_DOUBT_MS > jobs->quiet_ms;
    return jobs->is_reported && server->in_flight == 0 && instance->in_flight <= 0 &&
           jobs->others <= 0;
}
