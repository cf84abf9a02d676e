#ifndef LEASTJOBS_SEARCH_H
#define LEASTJOBS_SEARCH_H

#include <event2/event.h>
#include <event2/http.h>

#include "checks/checks.h"
#include "config.h"
#include "instances/farm.h"
#include "jobs/ask.h"
#include "jobs/job_path.h"

/* What all that asks instances about jobs has in common; the room's (jobs.h). */
struct jobs_context {
    struct event_base *base;
    struct asks *asks;
    const struct config *config;
    const struct farm *farm;
    struct checks *checks;
};

/*
 * A client's request about a job whose instance nobody knows: every instance is asked for the job,
 * the first one that has it gets the request, its answer goes to the client, and HAProxy is told.
 * Instances that are unhealthy or drained are asked too, the former last. After CHECK_TIMEOUT those
 * that have said nothing are missing.
 */
struct search;

/*
 * The request and `context` must outlive it; `over` is called from the loop when the request is
 * about to have the last of its answer, and isn't the search's any more. The caller frees it, then
 * or sooner.
 */
struct search *search_new(const struct jobs_context *context, struct evhttp_request *request,
                          const struct job_path *path, void (*over)(void *owner), void *owner);
void search_free(struct search *search);

/* There is room for another ask. */
void search_go_on(struct search *search);

/* The configuration has changed: begins anew, unless the job has been found. */
void search_restart(struct search *search);

#endif
