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

/* --- jobs */

static void job_queue_init(struct job_queue *queue, struct event_base *base, unsigned slots)
{
    memset(queue, 0, sizeof *queue);
    TAILQ_INIT(&queue->running);
    TAILQ_INIT(&queue->waiting);
    queue->base = base;
    queue->slots = slots;
}

/* Takes a job out of its list. */
static void job_remove(struct job *job)
{
    struct job_queue *queue = job->queue;
    if (job->state == JOB_RUNNING) {
        TAILQ_REMOVE(&queue->running, job, link);
        queue->running_count--;
        if (job->time_us > 0) {
            evtimer_del(&job->timer);
        }
    } else if (job->state == JOB_WAITING) {
        TAILQ_REMOVE(&queue->waiting, job, link);
        queue->waiting_count--;
    }
    job->state = JOB_NONE;
}

static void job_end(struct job *job)
{
    job_remove(job);
    job->done(job->arg);
}

static void job_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct job *job = arg;
    struct job_queue *queue = job->queue;
    job_end(job);
    job_queue_run(queue);
}

static void job_start_timer(struct job *job, int64_t time_us)
{
    const struct timeval time = {time_us / 1000000, time_us % 1000000};
    evtimer_assign(&job->timer, job->queue->base, job_timer, job);
    evtimer_add(&job->timer, &time);
}

static void job_start(struct job *job)
{
    struct job_queue *queue = job->queue;
    job_remove(job);
    TAILQ_INSERT_TAIL(&queue->running, job, link);
    queue->running_count++;
    job->state = JOB_RUNNING;
    job->started = record_now();
    if (job->time_us == 0) {
        job_end(job);
    } else if (job->time_us > 0) {
        job_start_timer(job, job->time_us);
    }
}

/* The end of a job may bring in the next request of the same connection, hence another job:
 * `busy` makes that the business of this loop instead of a deeper and deeper call. */
void job_queue_run(struct job_queue *queue)
{
    if (queue->busy) {
        return;
    }
    queue->busy = true;
    while (queue->running_count < queue->slots && !TAILQ_EMPTY(&queue->waiting)) {
        job_start(TAILQ_FIRST(&queue->waiting));
    }
    queue->busy = false;
}

/* While paused no job starts. Resuming starts those that can. */
static void job_queue_pause(struct job_queue *queue)
{
    queue->busy = true;
}

static void job_queue_resume(struct job_queue *queue)
{
    queue->busy = false;
    job_queue_run(queue);
}

void job_submit(struct job_queue *queue, struct job *job, int64_t time_us, void (*done)(void *arg),
                void *arg)
{
    job->queue = queue;
    job->time_us = time_us;
    job->started = 0;
    job->done = done;
    job->arg = arg;
    job->state = JOB_WAITING;
    TAILQ_INSERT_TAIL(&queue->waiting, job, link);
    queue->waiting_count++;
    unsigned active = queue->running_count + queue->waiting_count;
    if (active > queue->max_active) {
        queue->max_active = active;
    }
    job_queue_run(queue);
}

/* Puts another job, `to`, into the place of one that waits or runs, for the time that is left;
 * `from` is JOB_NONE afterwards. */
static void job_hand_over(struct job *from, struct job *to, void (*done)(void *arg), void *arg)
{
    bool running = from->state == JOB_RUNNING;
    struct job_list *list = running ? &from->queue->running : &from->queue->waiting;
    to->queue = from->queue;
    to->time_us = from->time_us;
    to->started = from->started;
    to->state = from->state;
    to->done = done;
    to->arg = arg;
    TAILQ_INSERT_AFTER(list, from, to, link);
    TAILQ_REMOVE(list, from, link);
    from->state = JOB_NONE;
    if (running && to->time_us > 0) {
        int64_t left = to->time_us - (int64_t)((record_now() - to->started) * 1e6);
        evtimer_del(&from->timer);
        job_start_timer(to, left > 0 ? left : 0);
    }
}

void job_cancel(struct job *job)
{
    if (job->state != JOB_NONE) {
        struct job_queue *queue = job->queue;
        job_remove(job);
        job_queue_run(queue);
    }
}

static struct job *oldest_held(struct job_list *list)
{
    for (struct job *job = TAILQ_FIRST(list); job != NULL; job = TAILQ_NEXT(job, link)) {
        if (job->time_us == JOB_HELD) {
            return job;
        }
    }
    return NULL;
}

void job_release(struct job_queue *queue, int64_t n)
{
    struct job *job;
    while (n != 0 && (job = oldest_held(&queue->running)) != NULL) {
        job_end(job);
        job_queue_run(queue);
        n -= n > 0;
    }
    while (n != 0 && (job = oldest_held(&queue->waiting)) != NULL) {
        job->time_us = 0;
        n -= n > 0;
    }
    job_queue_run(queue);
}

/* --- jobs that belong to the instance */

struct async {
    TAILQ_ENTRY(async) link;
    struct instance *instance; /* its owner */
    struct job job;
    struct joblog_entry entry;
};

static void async_end(struct async *async, const char *outcome)
{
    struct instance *instance = async->instance;
    joblog_write(instance->sim->joblog, &async->entry, async->job.started, outcome);
    TAILQ_REMOVE(&instance->asyncs, async, link);
    free(async);
}

static void async_done(void *arg)
{
    struct async *async = arg;
    async->instance->counters.finished++;
    async_end(async, "done");
}

static struct async *async_new(struct instance *instance, const struct joblog_entry *entry)
{
    struct async *async = calloc(1, sizeof *async);
    if (async != NULL) {
        async->instance = instance;
        async->entry = *entry;
        TAILQ_INSERT_TAIL(&instance->asyncs, async, link);
    }
    return async;
}

bool async_submit(struct instance *instance, int64_t time_us, const struct joblog_entry *entry)
{
    struct async *async = async_new(instance, entry);
    if (async != NULL) {
        job_submit(&instance->jobs, &async->job, time_us, async_done, async);
    }
    return async != NULL;
}

bool async_adopt(struct instance *instance, struct job *job, const struct joblog_entry *entry)
{
    struct async *async = job->state == JOB_NONE ? NULL : async_new(instance, entry);
    if (async != NULL) {
        job_hand_over(job, &async->job, async_done, async);
    }
    return async != NULL;
}

/* Gives all of an instance's up. For its end: no other job starts there afterwards. */
static void async_abort_all(struct instance *instance)
{
    job_queue_pause(&instance->jobs);
    while (!TAILQ_EMPTY(&instance->asyncs)) {
        struct async *async = TAILQ_FIRST(&instance->asyncs);
        job_cancel(&async->job);
        async_end(async, "aborted");
    }
}

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
    TAILQ_INIT(&instance->asyncs);
    record_log_init(&instance->requests, RECORD_LOG_MAX, true);
    record_log_init(&instance->health_requests, RECORD_HEALTH_LOG_MAX, false);
    job_queue_init(&instance->jobs, sim->base, settings->slots);
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
    async_abort_all(instance);
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
    job_queue_pause(&instance->jobs);
    struct conn *next;
    for (struct conn *conn = TAILQ_FIRST(&instance->conns); conn != NULL; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (all || conn_is_idle(conn)) {
            conn_enter(conn);
            conn_doom(conn, all);
            conn_leave(conn);
        }
    }
    job_queue_resume(&instance->jobs);
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
    return instance->settings.external_jobs + instance->jobs.running_count +
           instance->jobs.waiting_count;
}

void instance_forget(struct instance *instance)
{
    record_log_clear(&instance->sim->records, &instance->requests);
    record_log_clear(&instance->sim->records, &instance->health_requests);
    memset(&instance->counters, 0, sizeof instance->counters);
    instance->jobs.max_active = instance->jobs.running_count + instance->jobs.waiting_count;
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
        settings->external_jobs, instance->jobs.running_count, instance->jobs.waiting_count,
        instance_active(instance), instance->uploading);
    evbuffer_add_printf(out,
                        ",\"finished\":%" PRIu64 ",\"aborted\":%" PRIu64 ",\"requests\":%" PRIu64
                        ",\"health_requests\":%" PRIu64 ",\"connections\":%" PRIu64
                        ",\"open_connections\":%u,\"max_active\":%u",
                        counters->finished, counters->aborted, counters->requests,
                        counters->health_requests, counters->connections,
                        instance->open_connections, instance->jobs.max_active);
    evbuffer_add_printf(
        out, ",\"slots\":%u,\"job_time_ms\":%s,\"factor\":%g,\"speed\":%g,\"form\":\"%s\"",
        instance->jobs.slots, job_time, settings->factor, settings->speed,
        settings->form == INSTANCE_FLAT ? "flat" : "nested");
    bool odd = response[0] != '\0';
    evbuffer_add_printf(out, ",\"response\":%s%s%s,\"deaf\":%s}", odd ? "\"" : "null", response,
                        odd ? "\"" : "", bool_text(settings->deaf));
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
