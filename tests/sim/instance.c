#include "instance.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "wire.h"

/* --- one instance */

static void accepted(int fd, void *arg)
{
    conn_open(arg, fd, false);
}

static void accepted_for_metrics(int fd, void *arg)
{
    conn_open(arg, fd, true);
}

/* Not at once: other things of the same moment may be half done. */
void instance_unlock(struct instance *instance)
{
    event_active(&instance->unlock_event, EV_TIMEOUT, 0);
}

/* Who waits for a thread is answered now. */
static void job_has_ended(void *arg)
{
    struct instance *instance = arg;
    if (instance->settings.threads > 0) {
        instance_unlock(instance);
    }
}

static void unlock(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct instance *instance = arg;
    struct conn *next;
    job_queue_pause(&instance->queue);
    for (struct conn *conn = TAILQ_FIRST(&instance->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        conn_unlock(conn);
    }
    job_queue_resume(&instance->queue);
}

bool instance_is_locked(const struct instance *instance)
{
    unsigned threads = instance->settings.threads;
    return threads > 0 && instance_active(instance) >= threads;
}

bool instance_parse_form(const char *name, enum instance_form *form)
{
    *form = strcmp(name, "flat") == 0 ? INSTANCE_FLAT : INSTANCE_NESTED;
    return *form == INSTANCE_FLAT || strcmp(name, "nested") == 0;
}

bool instance_set_kind(struct instance_settings *settings, const char *name)
{
    bool known = kind_parse(name, &settings->kind);
    settings->threads = settings->kind == KIND_WHISPERCPP ? 1 : 0;
    return known;
}

static bool complain(const struct instance *instance, const struct listener *listener)
{
    fprintf(stderr, "leastjobs-sim: instance %u cannot listen on %s: %s\n", instance->number,
            listener->url, strerror(errno));
    return false;
}

static bool open_listener(struct instance *instance, struct listener *listener,
                          const struct sockaddr_storage *address, socklen_t address_len)
{
    const char *scheme = instance->sim->tls == NULL ? "http" : "https";
    listener->arg = instance;
    return listener_open(listener, instance->sim->base, address, address_len, scheme) ||
           complain(instance, listener);
}

bool instance_need_metrics(struct instance *instance)
{
    struct sockaddr_storage address = instance->main.address;
    bool oracle = instance->number == 0;
    if (oracle || instance->settings.kind != KIND_TRITON || instance->metrics.base != NULL) {
        return true;
    }
    address_set_port(&address, 0);
    instance->metrics.accepted = accepted_for_metrics;
    return open_listener(instance, &instance->metrics, &address, instance->main.address_len);
}

bool instance_open(struct instance *instance, struct sim *sim, unsigned number,
                   const struct sockaddr_storage *address, socklen_t address_len,
                   const struct instance_settings *settings)
{
    memset(instance, 0, sizeof *instance);
    instance->sim = sim;
    instance->number = number;
    instance->settings = *settings;
    TAILQ_INIT(&instance->conns);
    jobs_init(&instance->jobs);
    record_log_init(&instance->requests, RECORD_LOG_MAX, true);
    record_log_init(&instance->health_requests, RECORD_HEALTH_LOG_MAX, false);
    job_queue_init(&instance->queue, sim->base, settings->slots);
    instance->queue.ended = job_has_ended;
    instance->queue.ended_arg = instance;
    evtimer_assign(&instance->unlock_event, sim->base, unlock, instance);
    instance->main.accepted = accepted;
    return open_listener(instance, &instance->main, address, address_len) &&
           instance_need_metrics(instance);
}

void instance_close(struct instance *instance)
{
    instance_stop(instance, true);
    jobs_delete_all(instance, true);
    record_log_clear(&instance->sim->records, &instance->requests);
    record_log_clear(&instance->sim->records, &instance->health_requests);
    listener_close(&instance->main);
    listener_close(&instance->metrics);
    evtimer_del(&instance->unlock_event);
}

bool instance_start(struct instance *instance)
{
    return listener_start(&instance->main) && listener_start(&instance->metrics);
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
    listener_stop(&instance->main);
    listener_stop(&instance->metrics);
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
    char load[HEALTH_NAME_MAX];
    bool metrics = instance->metrics.base != NULL;
    health_format(&settings->health, health);
    health_format(&settings->load, load);
    odd_format(&settings->response, response);
    if (settings->job_time_ms != INSTANCE_TIME_BY_AUDIO) {
        snprintf(job_time, sizeof job_time, "%" PRId64, settings->job_time_ms);
    }
    evbuffer_add_printf(
        out,
        "{\"instance\":%u,\"url\":\"%s\",\"listening\":%s,\"health\":\"%s\",\"external_jobs\":"
        "%" PRId64 ",\"running\":%u,\"queued\":%u,\"active_jobs\":%" PRId64 ",\"uploading\":%u",
        instance->number, instance->main.url, bool_text(instance->main.listening), health,
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
    evbuffer_add_printf(out,
                        ",\"kind\":\"%s\",\"load\":\"%s\",\"threads\":%u,\"metrics_url\":%s%s%s",
                        kind_name(settings->kind), load, settings->threads, metrics ? "\"" : "null",
                        instance->metrics.url, metrics ? "\"" : "");
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
        int64_t load = instance->main.listening ? load_of(instance) : INT64_MAX;
        if (load < fewest) {
            fewest = load;
            ties = 0;
        }
        /* The nth of n takes the others' place with a chance of 1/n: all have the same in the end.
         */
        if (load == fewest && instance->main.listening && next_random(&sim->random) % ++ties == 0) {
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
        if (sim->instances[i].main.listening) {
            int64_t load = load_of(&sim->instances[i]);
            least = load < least ? load : least;
            most = load > most ? load : most;
        }
    }
    *excess = own - least;
    *imbalance = most - least;
}
