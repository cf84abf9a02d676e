#ifndef LEASTJOBS_JOBS_H
#define LEASTJOBS_JOBS_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

#include "checks/checks.h"
#include "config.h"
#include "instances/farm.h"

/*
 * What clients ask about jobs and HAProxy can't answer: a job that is in nobody's table (search.h)
 * and the list of all (listing.h). Bounded in number, so in connections and memory; what is beyond
 * a bound is told to come again.
 */
struct jobs;
struct job_request;

/* Of all these requests, those for the list of all. */
#define JOBS_LISTINGS_MAX 4

/*
 * At most `requests_max` requests at a time, which put at most `asks_max` questions to instances.
 * Nothing may be asked before jobs_use(). NULL if libcurl or libevent can't be set up. jobs_free()
 * comes after the last of its requests has been given up.
 */
struct jobs *jobs_new(struct event_base *base, size_t requests_max, size_t asks_max);
void jobs_free(struct jobs *jobs);

/* All must outlive it, or the next call. Searches begin anew; answers that are under way go on. */
void jobs_use(struct jobs *jobs, const struct config *config, const struct farm *farm,
              struct checks *checks);

/* Whether a request, by its target, is for it. */
bool jobs_wants(const struct jobs *jobs, const char *target);

/*
 * Answers it, now or later: returns what the caller gives up when the request's connection is gone,
 * or NULL if it has been answered already. `over` is called from the loop when it has been
 * answered; then the result is gone, too.
 */
struct job_request *jobs_take(struct jobs *jobs, struct evhttp_request *request,
                              void (*over)(void *owner), void *owner);

/* From inside the connection's close callback. */
void jobs_give_up(struct job_request *taken);

#endif
