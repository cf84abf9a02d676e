#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "agent_checks/listener.h"
#include "changes.h"
#include "checks/checks.h"
#include "clock.h"
#include "haproxy/mismatch.h"
#include "http/status.h"
#include "jobs/jobs.h"
#include "log.h"
#include "names.h"
#include "xalloc.h"

/* Standard streams, epoll, signals, listeners, HAProxy's socket, HTTP clients, name look-ups. */
#define RESERVED_FILES 24
#define CLIENTS_MAX 1024
#define VISITORS_MAX 128
/* Questions about jobs to instances at a time. */
#define ASKS_MAX 256
#define CLIENTS_MIN 8

struct service {
    struct event_base *base;
    struct config *config;
    struct farm *farm;
    struct checks *checks;
    struct listener *listener;
    struct jobs *jobs;
    struct status *status;
    struct mismatch mismatch;
    struct event *look; /* at it, every second */
};

/* How the limit of open files is shared out. */
struct budget {
    size_t clients;  /* of the agent-checks */
    size_t visitors; /* of the status pages */
    size_t asks;     /* of instances, about jobs */
    long polls;      /* 0: as many as there are instances */
};

static size_t share(size_t files, size_t part, size_t most)
{
    if (files / part < CLIENTS_MIN)
        return CLIENTS_MIN;
    return files / part < most ? files / part : most;
}

/* The health and the load of an instance may be at two ports. */
static size_t count_polled(const struct config *config)
{
    size_t count = config->instance_count;

    for (size_t i = 0; i < config->instance_count; i++)
        count += config->instances[i].health.url != NULL && config->instances[i].load.url != NULL;
    return count;
}

static struct budget make_budget(const struct config *config)
{
    struct budget budget = {.clients = CLIENTS_MAX, .visitors = VISITORS_MAX, .asks = ASKS_MAX};
    size_t polled = count_polled(config);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= RESERVED_FILES + CLIENTS_MAX + VISITORS_MAX + ASKS_MAX + polled)
        return budget;
    size_t files = limit.rlim_cur > RESERVED_FILES ? limit.rlim_cur - RESERVED_FILES : 0;
    budget.clients = share(files, 4, CLIENTS_MAX);
    budget.visitors = share(files, 8, VISITORS_MAX);
    budget.asks = share(files, 8, ASKS_MAX);
    size_t taken = budget.clients + budget.visitors + budget.asks;
    budget.polls = files > taken + 1 ? (long)(files - taken) : 1;
    if ((size_t)budget.polls < config->instance_count)
        log_warning("the limit of %llu open files is low for %zu instances: at most %ld health "
                    "checks run at a time",
                    (unsigned long long)limit.rlim_cur, config->instance_count, budget.polls);
    return budget;
}

static struct report_view view_of(const struct service *service)
{
    return (struct report_view){.config = service->config,
                                .farm = service->farm,
                                .checks = service->checks,
                                .listener = service->listener};
}

static void add_bind_error(struct errors *errors, const char *variable, unsigned port,
                           const char *address)
{
    errors_add(errors, "%s=\"%u\": can't listen on %s port %u: %s", variable, port, address, port,
               strerror(errno));
}

/*
 * A new port may be an old one of ours, on another address or in the other use. Any other port is
 * taken alone: one that a stranger shares with us would get but a part of its clients.
 */
static enum address_use use_of(const struct service *service, unsigned port)
{
    const struct config *old = service->config;

    return old != NULL && (port == old->agent_port || port == old->status_port) ? ADDRESS_SHARED
                                                                                : ADDRESS_ALONE;
}

static struct listener *open_listener(const struct service *service, const struct config *config,
                                      const struct budget *budget, struct errors *errors)
{
    struct listener *listener =
        listener_new(service->base, config->agent_bind_address, config->agent_port,
                     use_of(service, config->agent_port), budget->clients, service->farm);

    if (listener == NULL)
        add_bind_error(errors, "AGENT_PORT", config->agent_port, config->agent_bind_address);
    return listener;
}

static struct jobs *open_jobs(struct event_base *base, const struct budget *budget)
{
    /* Others must have a chance to look at a page. */
    size_t most = budget->visitors / 2;

    return xalloc_checked(
        jobs_new(base, most < FINDER_REQUESTS_MAX ? most : FINDER_REQUESTS_MAX, budget->asks));
}

static struct status *open_status(const struct service *service, const struct config *config,
                                  const struct budget *budget, struct errors *errors)
{
    struct report_view view = view_of(service);
    struct status *status =
        status_new(service->base, config->agent_bind_address, config->status_port,
                   use_of(service, config->status_port), budget->visitors, &view, service->jobs);

    if (status == NULL)
        add_bind_error(errors, "STATUS_PORT", config->status_port, config->agent_bind_address);
    return status;
}

/* Puts a configuration in force; the ports are there already. */
static void take_config(struct service *service, struct config *config, const struct budget *budget)
{
    struct moment now = clock_now();
    struct farm *old_farm = service->farm;

    checks_free(service->checks);
    service->farm = farm_new(config, old_farm, &now);
    farm_free(old_farm);
    config_free(service->config);
    service->config = config;
    service->checks = checks_new(service->base, config, service->farm, budget->polls);
    if (service->checks == NULL) {
        log_error("out of memory");
        exit(1);
    }
    jobs_use(service->jobs, config, service->farm, service->checks);
    struct report_view view = view_of(service);
    listener_use(service->listener, service->farm);
    status_use(service->status, &view);
}

static void on_look(evutil_socket_t unused, short what, void *argument)
{
    struct service *service = argument;
    struct checks_counts haproxy = checks_counts(service->checks);
    uint64_t signs = haproxy.haproxy_answers + haproxy.haproxy_failures;

    (void)unused;
    (void)what;
    if (mismatch_look(&service->mismatch, signs, listener_counts(service->listener).external,
                      clock_ms()))
        log_warning("HAProxy sends agent-checks, but nobody has answered on HAPROXY_SOCKET=\"%s\" "
                    "for %d s: it must be the same for leastjobs-genconf and for this agent, and "
                    "its folder, too; until then HAProxy's own jobs are counted twice",
                    service->config->haproxy_socket, MISMATCH_AFTER_MS / 1000);
}

static void start_to_look(struct service *service)
{
    static const struct timeval second = {.tv_sec = 1};

    mismatch_start(&service->mismatch, clock_ms());
    service->look = event_new(service->base, -1, EV_PERSIST, on_look, service);
    if (service->look == NULL || event_add(service->look, &second) != 0) {
        log_error("out of memory");
        exit(1);
    }
}

struct service *service_new(struct event_base *base, struct config *config, struct errors *errors)
{
    struct service *service = xcalloc(1, sizeof(*service));
    struct budget budget = make_budget(config);

    service->base = base;
    service->jobs = open_jobs(base, &budget);
    service->listener = open_listener(service, config, &budget, errors);
    service->status = open_status(service, config, &budget, errors);
    if (service->listener == NULL || service->status == NULL) {
        config_free(config);
        service_free(service);
        return NULL;
    }
    take_config(service, config, &budget);
    start_to_look(service);
    return service;
}

/* Opens the ports that a new configuration has elsewhere, and closes the old ones; all or none. */
static bool move_ports(struct service *service, const struct config *config,
                       const struct budget *budget, struct errors *errors)
{
    const struct config *old = service->config;
    bool same_address = strcmp(old->agent_bind_address, config->agent_bind_address) == 0;
    bool listener_moves = !same_address || old->agent_port != config->agent_port;
    bool status_moves = !same_address || old->status_port != config->status_port;
    struct listener *listener = service->listener;
    struct status *status = service->status;

    /* The old sockets listen until the new ones do, so that a failure leaves them as they are. */
    if (listener_moves || status_moves) {
        listener_share(listener);
        status_share(status);
    }
    if (listener_moves)
        listener = open_listener(service, config, budget, errors);
    if (status_moves)
        status = open_status(service, config, budget, errors);
    if (listener == NULL || status == NULL) {
        if (listener != service->listener)
            listener_free(listener);
        if (status != service->status)
            status_free(status);
        return false;
    }
    if (listener != service->listener)
        listener_free(service->listener);
    if (status != service->status)
        status_free(service->status);
    service->listener = listener;
    service->status = status;
    return true;
}

bool service_reload(struct service *service, struct config *config, struct errors *errors)
{
    struct budget budget = make_budget(config);

    if (!move_ports(service, config, &budget, errors)) {
        config_free(config);
        return false;
    }
    changes_warn(service->config, config, errors);
    take_config(service, config, &budget);
    return true;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    if (service->look != NULL)
        event_free(service->look);
    checks_free(service->checks);
    status_free(service->status);
    jobs_free(service->jobs);
    listener_free(service->listener);
    farm_free(service->farm);
    config_free(service->config);
    free(service);
}
