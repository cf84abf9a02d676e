#include "jobs/jobs.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "jobs/ask.h"
#include "jobs/job_path.h"
#include "jobs/listing.h"
#include "jobs/reply.h"
#include "jobs/search.h"
#include "xalloc.h"

#define MS_PER_SECOND 1000U

/* A request that is being answered: one of the two. */
struct job_request {
    TAILQ_ENTRY(job_request) entry;
    struct jobs *jobs;
    struct evhttp_request *request;
    struct search *search;
    struct listing *listing;
    struct event *hang_up; /* the client has gone */
    void (*over)(void *owner);
    void *owner;
};
TAILQ_HEAD(job_request_list, job_request);

struct jobs {
    struct jobs_context context;
    struct job_request_list requests;
    size_t count;
    size_t most;
    size_t listings;
};

static void forget(struct job_request *taken)
{
    struct jobs *jobs = taken->jobs;

    TAILQ_REMOVE(&jobs->requests, taken, entry);
    jobs->count--;
    if (taken->search != NULL)
        search_free(taken->search);
    if (taken->listing != NULL) {
        jobs->listings--;
        listing_free(taken->listing);
    }
    event_free(taken->hang_up);
    free(taken);
}

static void on_over(void *argument)
{
    struct job_request *taken = argument;

    taken->over(taken->owner);
    forget(taken);
}

/* Those that wait longest first. */
static void on_room(void *context)
{
    struct jobs *jobs = context;
    struct job_request *taken;
    struct job_request *next;

    for (taken = TAILQ_FIRST(&jobs->requests); taken != NULL; taken = next) {
        next = TAILQ_NEXT(taken, entry);
        if (taken->search != NULL)
            search_go_on(taken->search);
        else if (taken->listing != NULL)
            listing_go_on(taken->listing);
    }
}

struct jobs *jobs_new(struct event_base *base, size_t requests_max, size_t asks_max)
{
    struct jobs *jobs = xcalloc(1, sizeof(*jobs));

    jobs->most = requests_max;
    jobs->context.base = base;
    TAILQ_INIT(&jobs->requests);
    jobs->context.asks = asks_new(base, asks_max, on_room, jobs);
    if (jobs->context.asks == NULL) {
        free(jobs);
        return NULL;
    }
    return jobs;
}

void jobs_free(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    asks_free(jobs->context.asks);
    free(jobs);
}

void jobs_use(struct jobs *jobs, const struct config *config, const struct farm *farm,
              struct checks *checks)
{
    struct job_request *taken;
    struct job_request *next;

    jobs->context.config = config;
    jobs->context.farm = farm;
    jobs->context.checks = checks;
    asks_use(jobs->context.asks, config, farm);
    for (taken = TAILQ_FIRST(&jobs->requests); taken != NULL; taken = next) {
        next = TAILQ_NEXT(taken, entry);
        if (taken->search != NULL)
            search_restart(taken->search);
        else if (taken->listing != NULL)
            listing_restart(taken->listing);
    }
}

bool jobs_wants(const struct jobs *jobs, const char *target)
{
    return job_path_parse(jobs->context.config->jobs_path, target).kind != JOB_PATH_NONE;
}

/*
 * evhttp doesn't read on while it answers, so it would notice only when it writes. A reset is no
 * EV_CLOSED for libevent's epoll, but makes the socket readable, again and again; and nobody who
 * waits for an answer has more to say.
 */
static void on_hang_up(evutil_socket_t fd, short what, void *argument)
{
    struct job_request *taken = argument;

    (void)fd;
    (void)what;
    evhttp_connection_free(evhttp_request_get_connection(taken->request));
}

static struct job_request *new_request(struct jobs *jobs, struct evhttp_request *request)
{
    struct job_request *taken = xcalloc(1, sizeof(*taken));
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    evutil_socket_t fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

    taken->jobs = jobs;
    taken->request = request;
    taken->hang_up =
        xalloc_checked(event_new(jobs->context.base, fd, EV_READ | EV_CLOSED, on_hang_up, taken));
    event_add(taken->hang_up, NULL);
    TAILQ_INSERT_TAIL(&jobs->requests, taken, entry);
    jobs->count++;
    /* A client may read slowly, and its answer may be long in coming. */
    evhttp_connection_set_timeout(connection,
                                  (int)(jobs->context.config->request_timeout_ms / MS_PER_SECOND));
    return taken;
}

static void refuse(struct evhttp_request *request, int status, const char *detail)
{
    reply_json(request, status, xasprintf("{\"detail\":\"%s\"}", detail));
}

/* The list has one place, and no more is known of it than how to read it. */
static struct job_request *take_listing(struct jobs *jobs, struct evhttp_request *request)
{
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET &&
        evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
        refuse(request, HTTP_BADMETHOD, "Method Not Allowed");
        return NULL;
    }
    if (jobs->listings == JOBS_LISTINGS_MAX) {
        refuse(request, HTTP_SERVUNAVAIL, "Too many ask for the list of all jobs: try again later");
        return NULL;
    }
    struct job_request *taken = new_request(jobs, request);
    jobs->listings++;
    taken->listing = listing_new(&jobs->context, request, on_over, taken);
    return taken;
}

struct job_request *jobs_take(struct jobs *jobs, struct evhttp_request *request,
                              void (*over)(void *owner), void *owner)
{
    struct job_path path =
        job_path_parse(jobs->context.config->jobs_path, evhttp_request_get_uri(request));
    struct job_request *taken;

    if (jobs->count == jobs->most) {
        refuse(request, HTTP_SERVUNAVAIL, "Too many ask about jobs at a time: try again later");
        return NULL;
    }
    if (path.kind == JOB_PATH_LIST) {
        taken = take_listing(jobs, request);
    } else {
        taken = new_request(jobs, request);
        taken->search = search_new(&jobs->context, request, &path, on_over, taken);
    }
    if (taken != NULL) {
        taken->over = over;
        taken->owner = owner;
    }
    return taken;
}

void jobs_give_up(struct job_request *taken)
{
    struct evhttp_request *request = taken->request;

    forget(taken);
    /* One that evhttp has parted from its connection is nobody's else. */
    if (evhttp_request_get_connection(request) == NULL)
        evhttp_request_free(request);
}
