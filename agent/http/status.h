#ifndef LEASTJOBS_STATUS_H
#define LEASTJOBS_STATUS_H

#include <event2/event.h>

#include "address.h"
#include "http/report.h"
#include "jobs/jobs.h"

/*
 * The agent's HTTP port, on libevent's evhttp: GET and HEAD of /, /health (503 if no instance is
 * healthy), /fleet, /metrics and the fleet page (page_file.h); what is about jobs (jobs/jobs.h);
 * all else is 404, in JSON. When `visitors_max` connections are open, the oldest makes room, of
 * those that no answer about jobs is under way to; so it does when too many bytes wait for slow
 * readers. One that is silent, or reads nothing, for some seconds is closed.
 */
struct status;

/*
 * Binds at once. NULL after an error in errno. What the view points to must outlive the status
 * or be replaced by status_use(). The caller releases it with status_free().
 */
struct status *status_new(struct event_base *base, const char *address, unsigned port,
                          enum address_use use, size_t visitors_max, const struct report_view *view,
                          struct jobs *jobs);
void status_use(struct status *status, const struct report_view *view);
/* Opens its port to a successor, see address.h. */
void status_share(struct status *status);
void status_free(struct status *status);

#endif
