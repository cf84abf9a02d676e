#ifndef LEASTJOBS_INSTANCE_LOG_H
#define LEASTJOBS_INSTANCE_LOG_H

#include "instances/farm.h"

/* What the log is told of an instance: what has changed, why, and how long it was so. */

/* What a check may change. */
struct instance_before {
    int64_t changed_ms;
    unsigned failures;
    enum check_reason reason;
    bool lacks_capacity;
};
struct instance_before instance_before(const struct instance *instance);

/*
 * A check has ended and changed the instance so. A failure that counts is logged until it is a
 * state, and when its reason changes.
 */
void instance_log_check(const struct farm *farm, const struct instance *instance,
                        enum instance_change change, const struct instance_before *before,
                        int64_t now_ms);

/* HAProxy's counters have been looked at; `before`: what server_errors_penalty() was. */
void instance_log_errors(const struct instance *instance, unsigned before);

/* It has just been drained in HAProxy, or is no longer. */
void instance_log_drain(const struct instance *instance);

#endif
