#ifndef LEASTJOBS_UNIT_FARM_HELPER_H
#define LEASTJOBS_UNIT_FARM_HELPER_H

#include "config.h"
#include "helper.h"
#include "instances/farm.h"

/* A moment `ms` after an arbitrary beginning. */
static inline struct moment at_ms(int64_t ms)
{
    return (struct moment){
        .wall = {.tv_sec = 1700000000 + ms / 1000, .tv_nsec = (ms % 1000) * 1000000},
        .monotonic_ms = 5000 + ms};
}

/* A configuration of "INSTANCE_N_URL=URL" texts, ended by NULL. */
static inline struct config *config_of(const char *const *texts)
{
    struct settings settings = {0};
    struct errors errors = {0};

    for (; *texts != NULL; texts++) {
        const char *equals = strchr(*texts, '=');
        char *name = strndup(*texts, (size_t)(equals - *texts));
        settings_add(&settings, name, equals + 1, "test");
        free(name);
    }
    struct config *config = config_from_settings(&settings, &errors);
    settings_free(&settings);
    assert_no_errors(&errors);
    errors_free(&errors);
    return config;
}

/* A farm of such a configuration, with what `previous` (or NULL) knows. */
static inline struct farm *farm_of(const char *const *texts, const struct farm *previous)
{
    struct config *config = config_of(texts);
    struct moment now = at_ms(0);
    struct farm *farm = farm_new(config, previous, &now);

    config_free(config);
    return farm;
}

static inline struct check_result passed(unsigned active_jobs)
{
    return (struct check_result){.reason = CHECK_PASSED, .active_jobs = active_jobs};
}

/* instance_apply() for a check during which HAProxy's counts stood still; each failure counts. */
static inline enum instance_change apply_check(struct instance *instance,
                                               const struct check_result *result,
                                               unsigned unhealthy_after, const struct moment *now)
{
    struct check_rules rules = {.unhealthy_after = unhealthy_after, .interval_ms = 1};
    struct check_start start = {.in_flight = instance->in_flight,
                                .sessions = instance->sessions,
                                .acceptances = instance->acceptances,
                                .at_ms = now->monotonic_ms + instance->failures};

    return instance_apply(instance, result, &start, &rules, now);
}

/* Checks without a cause of their own, at the moment 0. */
static inline enum instance_change pass(struct instance *instance, unsigned active_jobs)
{
    struct check_result result = passed(active_jobs);
    struct moment now = at_ms(0);

    return apply_check(instance, &result, 3, &now);
}

static inline enum instance_change fail_once(struct instance *instance, unsigned unhealthy_after)
{
    struct check_result result = check_result_failed(CHECK_TIMED_OUT, "%s", "");
    struct moment now = at_ms(0);

    return apply_check(instance, &result, unhealthy_after, &now);
}

#endif
