#include "instances/instance_log.h"

#include <inttypes.h>

#include "log.h"
#include "names.h"

struct instance_before instance_before(const struct instance *instance)
{
    return (struct instance_before){.changed_ms = instance->changed_ms,
                                    .failures = instance->failures,
                                    .reason = instance->reason,
                                    .lacks_capacity = instance->lacks_capacity};
}

static void log_change(const struct farm *farm, const struct instance *instance,
                       enum instance_change change, int64_t lasted_ms)
{
    const char *name = INSTANCE_PREFIX;

    if (change == INSTANCE_BECAME_HEALTHY)
        log_info("instance=%s%u url=%s is healthy again after %" PRId64 " s", name,
                 instance->number, instance->url, lasted_ms / 1000);
    if (change == INSTANCE_BECAME_UNHEALTHY)
        log_info(
            "instance=%s%u url=%s is unhealthy after %u failed checks, was healthy for %" PRId64
            " s: %s",
            name, instance->number, instance->url, instance->failures, lasted_ms / 1000,
            instance->error);
    if (change == INSTANCE_BECAME_UNHEALTHY && farm_count_healthy(farm) == 0)
        log_error("no healthy instance is left of %zu", farm->count);
}

void instance_log_check(const struct farm *farm, const struct instance *instance,
                        enum instance_change change, const struct instance_before *before,
                        int64_t now_ms)
{
    const char *name = INSTANCE_PREFIX;

    if (instance->reason == CHECK_PASSED)
        log_debug("instance=%s%u check passed: active_jobs=%u in_flight=%u external_jobs=%u "
                  "accepted=%u took=%u ms",
                  name, instance->number, instance->active_jobs, instance->in_flight,
                  instance->external_jobs, instance_accepted(instance), instance->check_ms);
    else if (instance->reason == CHECK_BUSY && before->reason != CHECK_BUSY)
        log_info("instance=%s%u url=%s is busy: it answers no health check while jobs of ours run "
                 "there: it is picked last until it does",
                 name, instance->number, instance->url);
    else if (before->failures != instance->failures || before->reason != instance->reason)
        log_warning("instance=%s%u url=%s check failed, %u in a row: %s", name, instance->number,
                    instance->url, instance->failures, instance->error);
    else
        log_debug("instance=%s%u check failed, %u in a row: %s", name, instance->number,
                  instance->failures, instance->error);
    if (instance->reason == CHECK_PASSED && before->reason == CHECK_BUSY)
        log_info("instance=%s%u url=%s is busy no more", name, instance->number, instance->url);
    if (instance->lacks_capacity && !before->lacks_capacity)
        log_warning("instance=%s%u url=%s reports no capacity from 1 to %d where CAPACITY_FIELD "
                    "says: it stays %u",
                    name, instance->number, instance->url, CAPACITY_MAX, instance->capacity);
    log_change(farm, instance, change, now_ms - before->changed_ms);
}

void instance_log_errors(const struct instance *instance, unsigned before)
{
    unsigned penalty = server_errors_penalty(&instance->errors);

    if (before == 0 && penalty > 0)
        log_warning("instance=" INSTANCE_PREFIX "%u url=%s connections or responses failed: it "
                    "counts as if it had %u jobs more",
                    instance->number, instance->url, penalty);
    if (before > 0 && penalty == 0)
        log_info("instance=" INSTANCE_PREFIX "%u url=%s counts as its jobs again", instance->number,
                 instance->url);
}

void instance_log_drain(const struct instance *instance)
{
    log_info("instance=" INSTANCE_PREFIX "%u is %s in HAProxy", instance->number,
             instance->drained ? "drained: no new jobs" : "no longer drained");
}
