#include "queue.h"

#include <event2/event.h>
#include <string.h>

#include "record.h"

void job_queue_init(struct job_queue *queue, struct event_base *base, unsigned slots)
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

static void tell_end(const struct job_queue *queue)
{
    if (queue->ended != NULL) {
        queue->ended(queue->ended_arg);
    }
}

static void job_end(struct job *job)
{
    job_remove(job);
    tell_end(job->queue);
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
    if (job->begun != NULL) {
        job->begun(job->arg);
    } else if (job->time_us == 0) {
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

void job_queue_pause(struct job_queue *queue)
{
    queue->busy = true;
}

void job_queue_resume(struct job_queue *queue)
{
    queue->busy = false;
    job_queue_run(queue);
}

/* The rest of *job is set. */
static void job_add(struct job_queue *queue, struct job *job)
{
    job->queue = queue;
    job->started = 0;
    job->state = JOB_WAITING;
    TAILQ_INSERT_TAIL(&queue->waiting, job, link);
    queue->waiting_count++;
    unsigned active = queue->running_count + queue->waiting_count;
    if (active > queue->max_active) {
        queue->max_active = active;
    }
    job_queue_run(queue);
}

void job_hand_over(struct job *from, struct job *to, void (*done)(void *arg), void *arg)
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

void job_submit(struct job_queue *queue, struct job *job, int64_t time_us, void (*done)(void *arg),
                void *arg)
{
    job->time_us = time_us;
    job->begun = NULL;
    job->done = done;
    job->arg = arg;
    job_add(queue, job);
}

void job_submit_held(struct job_queue *queue, struct job *job, void (*begun)(void *arg),
                     void (*done)(void *arg), void *arg)
{
    job->time_us = JOB_HELD;
    job->begun = begun;
    job->done = done;
    job->arg = arg;
    job_add(queue, job);
}

void job_cancel(struct job *job)
{
    if (job->state != JOB_NONE) {
        struct job_queue *queue = job->queue;
        job_remove(job);
        tell_end(queue);
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
