#include "jobs.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"

/* --- known by their ids */

/* FNV-1a. */
static size_t hash(const char *bytes, size_t len)
{
    uint64_t value = 14695981039346656037U;
    for (size_t i = 0; i < len; i++) {
        value = (value ^ (unsigned char)bytes[i]) * 1099511628211U;
    }
    return (size_t)value;
}

static struct own_job **bucket_of(const struct jobs *jobs, const char *id, size_t len)
{
    return &jobs->buckets[hash(id, len) & (jobs->bucket_count - 1)];
}

static void put_into_bucket(struct jobs *jobs, struct own_job *job)
{
    struct own_job **bucket = bucket_of(jobs, job->id, job->id_len);
    job->next = *bucket;
    *bucket = job;
}

/* As many buckets as jobs, or more. False when memory is short. */
static bool grow(struct jobs *jobs)
{
    if (jobs->known_count < jobs->bucket_count) {
        return true;
    }
    size_t count = jobs->bucket_count == 0 ? JOBS_BUCKETS_MIN : jobs->bucket_count * 2;
    struct own_job **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return false;
    }
    free(jobs->buckets);
    jobs->buckets = buckets;
    jobs->bucket_count = count;
    for (struct own_job *job = TAILQ_FIRST(&jobs->list); job != NULL; job = TAILQ_NEXT(job, link)) {
        if (job->known) {
            put_into_bucket(jobs, job);
        }
    }
    return true;
}

static void unknow(struct jobs *jobs, struct own_job *job)
{
    struct own_job **at = bucket_of(jobs, job->id, job->id_len);
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    jobs->known_count--;
}

struct own_job *jobs_find(const struct jobs *jobs, struct slice id)
{
    struct own_job *job = jobs->known_count == 0 ? NULL : *bucket_of(jobs, id.at, id.len);
    while (job != NULL && (job->id_len != id.len || memcmp(job->id, id.at, id.len) != 0)) {
        job = job->next;
    }
    return job;
}

/* --- their life */

void jobs_init(struct jobs *jobs)
{
    memset(jobs, 0, sizeof *jobs);
    TAILQ_INIT(&jobs->list);
}

/* One without an id isn't known. NULL when memory is short. */
static struct own_job *add(struct instance *instance, struct slice id)
{
    struct jobs *jobs = &instance->jobs;
    struct own_job *job = calloc(1, sizeof *job + id.len);
    if (job == NULL || (id.len > 0 && !grow(jobs))) {
        free(job);
        return NULL;
    }
    job->instance = instance;
    job->accepted = record_now();
    job->known = id.len > 0;
    TAILQ_INSERT_TAIL(&jobs->list, job, link);
    if (job->known) {
        job->id_len = id.len;
        memcpy(job->id, id.at, id.len);
        put_into_bucket(jobs, job);
        jobs->known_count++;
    }
    return job;
}

static void drop(struct own_job *job)
{
    struct jobs *jobs = &job->instance->jobs;
    if (job->known) {
        unknow(jobs, job);
    }
    if (job->ended > 0) {
        jobs->ended_count--;
    }
    TAILQ_REMOVE(&jobs->list, job, link);
    free(job);
}

static struct own_job *oldest_ended(const struct jobs *jobs)
{
    struct own_job *job = TAILQ_FIRST(&jobs->list);
    while (job != NULL && job->ended == 0) {
        job = TAILQ_NEXT(job, link);
    }
    return job;
}

static void keep_ended(struct own_job *job)
{
    struct jobs *jobs = &job->instance->jobs;
    job->ended = record_now();
    if (++jobs->ended_count > JOBS_ENDED_MAX) {
        drop(oldest_ended(jobs));
    }
}

static void write_log(const struct own_job *job, const char *outcome)
{
    joblog_write(job->instance->sim->joblog, &job->entry, job->job.started, outcome);
}

static void done(void *arg)
{
    struct own_job *job = arg;
    job->instance->counters.finished++;
    write_log(job, "done");
    if (job->known) {
        keep_ended(job);
    } else {
        drop(job);
    }
}

bool jobs_submit(struct instance *instance, const struct own_job_plan *plan,
                 const struct joblog_entry *entry)
{
    struct own_job *job = add(instance, plan->id);
    if (job != NULL) {
        job->entry = *entry;
        job->result_bytes = plan->result_bytes;
        job_submit(&instance->queue, &job->job, plan->time_us, done, job);
    }
    return job != NULL;
}

bool jobs_add_ended(struct instance *instance, const struct own_job_plan *plan)
{
    struct own_job *job = add(instance, plan->id);
    if (job != NULL) {
        job->result_bytes = plan->result_bytes;
        keep_ended(job);
    }
    return job != NULL;
}

bool jobs_adopt(struct instance *instance, struct job *job, const struct joblog_entry *entry)
{
    const struct slice none = {NULL, 0};
    struct own_job *own = job->state == JOB_NONE ? NULL : add(instance, none);
    if (own != NULL) {
        own->entry = *entry;
        job_hand_over(job, &own->job, done, own);
    }
    return own != NULL;
}

void jobs_delete(struct own_job *job)
{
    if (job->ended == 0) {
        job_cancel(&job->job);
        write_log(job, "aborted");
    }
    drop(job);
}

void jobs_delete_all(struct instance *instance, bool for_good)
{
    struct jobs *jobs = &instance->jobs;
    job_queue_pause(&instance->queue);
    while (!TAILQ_EMPTY(&jobs->list)) {
        jobs_delete(TAILQ_FIRST(&jobs->list));
    }
    free(jobs->buckets);
    jobs_init(jobs);
    if (!for_good) {
        job_queue_resume(&instance->queue);
    }
}
