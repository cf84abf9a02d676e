#include "async.h"

#include <stdlib.h>

#include "instance.h"
#include "job.h"
#include "sim.h"

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

void async_abort_all(struct instance *instance)
{
    job_queue_pause(&instance->jobs);
    while (!TAILQ_EMPTY(&instance->asyncs)) {
        struct async *async = TAILQ_FIRST(&instance->asyncs);
        job_cancel(&async->job);
        async_end(async, "aborted");
    }
}
