#include "instance.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "wire.h"

/* --- one instance */

static int open_socket(const struct instance *instance)
{
    const struct sockaddr *address = (const struct sockaddr *)&instance->address;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    /* Accepted sockets inherit TCP_NODELAY: a system call less for each. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, address, instance->address_len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void pause_accepting(struct instance *instance)
{
    const struct timeval pause = {0, INSTANCE_ACCEPT_RETRY_MS * 1000};
    fprintf(stderr, "leastjobs-sim: instance %u cannot accept: %s\n", instance->number,
            strerror(errno));
    event_del(&instance->accept_event);
    evtimer_add(&instance->retry_event, &pause);
}

static void instance_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct instance *instance = arg;
    event_add(&instance->accept_event, NULL);
}

static void instance_accept(evutil_socket_t listener, short what, void *arg)
{
    (void)what;
    struct instance *instance = arg;
    for (int i = 0; i < INSTANCE_ACCEPTS_MAX; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            conn_open(instance, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(instance);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void set_url(struct instance *instance)
{
    address_format(instance->url, sizeof instance->url,
                   instance->sim->tls == NULL ? "http" : "https", &instance->address);
}

bool instance_parse_form(const char *name, enum instance_form *form)
{
    *form = strcmp(name, "flat") == 0 ? INSTANCE_FLAT : INSTANCE_NESTED;
    return *form == INSTANCE_FLAT || strcmp(name, "nested") == 0;
}

bool instance_open(struct instance *instance, struct sim *sim, unsigned number,
                   const struct sockaddr_storage *address, socklen_t address_len,
                   const struct instance_settings *settings)
{
    memset(instance, 0, sizeof *instance);
    instance->sim = sim;
    instance->number = number;
    instance->address = *address;
    instance->address_len = address_len;
    instance->settings = *settings;
    TAILQ_INIT(&instance->conns);
    jobs_init(&instance->jobs);
    record_log_init(&instance->requests, RECORD_LOG_MAX, true);
    record_log_init(&instance->health_requests, RECORD_HEALTH_LOG_MAX, false);
    job_queue_init(&instance->queue, sim->base, settings->slots);
    evtimer_assign(&instance->retry_event, sim->base, instance_retry, instance);
    set_url(instance);
    instance->fd = open_socket(instance);
    if (instance->fd < 0 ||
        getsockname(instance->fd, (struct sockaddr *)&instance->address, &instance->address_len) !=
            0 ||
        !instance_start(instance)) {
        fprintf(stderr, "leastjobs-sim: instance %u cannot listen on %s: %s\n", number,
                instance->url, strerror(errno));
        return false;
    }
    set_url(instance);
    return true;
}

void instance_close(struct instance *instance)
{
    instance_stop(instance, true);
    jobs_delete_all(instance, true);
    record_log_clear(&instance->sim->records, &instance->requests);
    record_log_clear(&instance->sim->records, &instance->health_requests);
    if (instance->fd >= 0) {
        close(instance->fd);
    }
}

bool instance_start(struct instance *instance)
{
    if (instance->listening) {
        return true;
    }
    if (instance->fd < 0) {
        instance->fd = open_socket(instance);
    }
    if (instance->fd < 0 || listen(instance->fd, INSTANCE_BACKLOG) != 0) {
        return false;
    }
    event_assign(&instance->accept_event, instance->sim->base, instance->fd, EV_READ | EV_PERSIST,
                 instance_accept, instance);
    instance->listening = event_add(&instance->accept_event, NULL) == 0;
    return instance->listening;
}

/* Jobs that wait must not start only to be reset a moment later, hence the pause. */
static void close_conns(struct instance *instance, bool all)
{
    job_queue_pause(&instance->queue);
    struct conn *next;
    for (struct conn *conn = TAILQ_FIRST(&instance->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (all || conn_is_idle(conn)) {
            conn_enter(conn);
            conn_doom(conn, all);
            conn_leave(conn);
        }
    }
    job_queue_resume(&instance->queue);
}

void instance_stop(struct instance *instance, bool drop)
{
    if (instance->listening) {
        instance->listening = false;
        event_del(&instance->accept_event);
        evtimer_del(&instance->retry_event);
        close(instance->fd);
        /* Bound but not listening, the socket keeps the port ours (no other process gets it as
         * its free one) while connections are refused. If this fails, instance_start() retries. */
        instance->fd = open_socket(instance);
    }
    close_conns(instance, drop);
}

void instance_restart(struct instance *instance)
{
    close_conns(instance, true);
    jobs_delete_all(instance, false);
}

void instance_release_pieces(struct instance *instance, int64_t n)
{
    struct conn *next;
    for (struct conn *conn = TAILQ_FIRST(&instance->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        conn_release(conn, n);
    }
}

int64_t instance_active(const struct instance *instance)
{
    return instance->settings.external_jobs + instance->queue.running_count +
           instance->queue.waiting_count;
}

void instance_forget(struct instance *instance)
{
    record_log_clear(&instance->sim->records, &instance->requests);
    record_log_clear(&instance->sim->records, &instance->health_requests);
    memset(&instance->counters, 0, sizeof instance->counters);
    instance->queue.max_active = instance->queue.running_count + instance->queue.waiting_count;
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

void instance_view(struct evbuffer *out, const struct instance *instance)
{
    const struct instance_settings *settings = &instance->settings;
    const struct instance_counters *counters = &instance->counters;
    char health[HEALTH_NAME_MAX];
    char job_time[24] = "null";
    char response[ODD_NAME_MAX];
    health_format(&settings->health, health);
    odd_format(&settings->response, response);
    if (settings->job_time_ms != INSTANCE_TIME_BY_AUDIO) {
        snprintf(job_time, sizeof job_time, "%" PRId64, settings->job_time_ms);
    }
    evbuffer_add_printf(
        out,
        "{\"instance\":%u,\"url\":\"%s\",\"listening\":%s,\"health\":\"%s\",\"external_jobs\":"
        "%" PRId64 ",\"running\":%u,\"queued\":%u,\"active_jobs\":%" PRId64 ",\"uploading\":%u",
        instance->number, instance->url, bool_text(instance->listening), health,
        settings->external_jobs, instance->queue.running_count, instance->queue.waiting_count,
        instance_active(instance), instance->uploading);
    evbuffer_add_printf(out,
                        ",\"finished\":%" PRIu64 ",\"aborted\":%" PRIu64 ",\"requests\":%" PRIu64
                        ",\"health_requests\":%" PRIu64 ",\"connections\":%" PRIu64
                        ",\"open_connections\":%u,\"max_active\":%u",
                        counters->finished, counters->aborted, counters->requests,
                        counters->health_requests, counters->connections,
                        instance->open_connections, instance->queue.max_active);
    evbuffer_add_printf(
        out, ",\"slots\":%u,\"job_time_ms\":%s,\"factor\":%g,\"speed\":%g,\"form\":\"%s\"",
        instance->queue.slots, job_time, settings->factor, settings->speed,
        settings->form == INSTANCE_FLAT ? "flat" : "nested");
    bool odd = response[0] != '\0';
    evbuffer_add_printf(out, ",\"response\":%s%s%s,\"deaf\":%s", odd ? "\"" : "null", response,
                        odd ? "\"" : "", bool_text(settings->deaf));
    evbuffer_add_printf(out, ",\"known_jobs\":%zu,\"cors\":%s,\"deletes\":%s,\"storage\":%s}",
                        instance->jobs.known_count, bool_text(settings->cors),
                        bool_text(settings->deletes), bool_text(settings->storage));
}

/* --- all of them */

static int64_t load_of(const struct instance *instance)
{
    return instance_active(instance) + instance->uploading;
}

/* Marsaglia's xorshift64: the ties have to be spread, not to be unforeseeable, and a run that can
 * be repeated is worth something. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct instance *sim_fewest(struct sim *sim)
{
    struct instance *found = NULL;
    int64_t fewest = INT64_MAX;
    uint64_t ties = 0;
    for (size_t i = 0; i < sim->instance_count; i++) {
        struct instance *instance = &sim->instances[i];
        int64_t load = instance->listening ? load_of(instance) : INT64_MAX;
        if (load < fewest) {
            fewest = load;
            ties = 0;
        }
        /* The nth of n takes the others' place with a chance of 1/n: all have the same in the end.
         */
        if (load == fewest && instance->listening && next_random(&sim->random) % ++ties == 0) {
            found = instance;
        }
    }
    return found;
}

void sim_compare(const struct instance *instance, int64_t *excess, int64_t *imbalance)
{
    const struct sim *sim = instance->sim;
    const int64_t own = load_of(instance);
    int64_t least = own;
    int64_t most = own;
    for (size_t i = 0; i < sim->instance_count; i++) {
        if (sim->instances[i].listening) {
            int64_t load = load_of(&sim->instances[i]);
            least = load < least ? load : least;
            most = load > most ? load : most;
        }
    }
    *excess = own - least;
    *imbalance = most - least;
}
