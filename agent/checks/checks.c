#include "checks/checks.h"

#include <stdlib.h>

#include "checks/pace.h"
#include "checks/poller.h"
#include "clock.h"
#include "haproxy/exchange.h"
#include "instances/instance_log.h"
#include "xalloc.h"

/* What an instance waits for HAProxy's counts with: a result, a check that is due. */
struct pending {
    bool is_reported;
    bool is_due;
    bool is_drained; /* as it was when all counts were read last */
    struct check_start start;
    struct check_result result;
};

struct checks {
    const struct config *config;
    struct farm *farm;
    struct exchange *exchange;
    struct poller *poller;
    struct pace *pace;
    struct pending *pending; /* one for each instance */
};

static void hasten(struct checks *checks, size_t index)
{
    int64_t due_ms;

    if (pace_is_sooner(checks->pace, index, &due_ms))
        poller_due_in(checks->poller, index, due_ms - clock_ms());
}

/* The same failures as the log has, without those that say the same again. */
static void note_failure(struct farm *farm, const struct instance *instance,
                         enum instance_change change, const struct instance_before *before,
                         const struct timespec *now)
{
    if (instance->error[0] == '\0' || instance->reason == CHECK_BUSY ||
        (before->failures == instance->failures && before->reason == instance->reason))
        return;
    failures_add(&farm->failures, FAILURE_OF_CHECK, instance->number, now, "%s%s",
                 change == INSTANCE_BECAME_UNHEALTHY ? "is unhealthy now: " : "", instance->error);
}

/* The one end of every check, with HAProxy's counts in the instance. */
static void complete(struct checks *checks, size_t index)
{
    struct instance *instance = &checks->farm->instances[index];
    struct pending *pending = &checks->pending[index];
    struct check_rules rules = {.unhealthy_after = checks->config->unhealthy_after,
                                .interval_ms = checks->config->check_interval_ms};
    struct moment now = clock_now();
    struct instance_before before = instance_before(instance);
    unsigned previous_jobs = instance->active_jobs;

    pending->is_reported = false;
    instance->asked = false;
    enum instance_change change =
        instance_apply(instance, &pending->result, &pending->start, &rules, &now);
    note_failure(checks->farm, instance, change, &before, &now.wall);
    instance_log_check(checks->farm, instance, change, &before, now.monotonic_ms);
    pace_take_report(checks->pace, index, previous_jobs);
    hasten(checks, index);
}

/* What HAProxy has now is what the report can have. */
static void start_check(struct checks *checks, size_t index)
{
    struct instance *instance = &checks->farm->instances[index];
    struct pending *pending = &checks->pending[index];

    pending->is_due = false;
    instance->asked = true;
    instance->started_ms = clock_ms();
    pending->start = (struct check_start){.in_flight = instance->in_flight,
                                          .sessions = instance->sessions,
                                          .acceptances = instance->acceptances,
                                          .at_ms = instance->started_ms};
    poller_start(checks->poller, index);
}

static void on_counted(void *context, size_t index)
{
    struct checks *checks = context;

    if (checks->pending[index].is_reported)
        complete(checks, index);
    if (checks->pending[index].is_due)
        start_check(checks, index);
}

static void on_due(void *context, size_t index)
{
    struct checks *checks = context;

    checks->pending[index].is_due = true;
    checks->farm->instances[index].asked = true;
    exchange_want(checks->exchange, index);
}

static void on_result(void *context, size_t index, const struct check_result *result,
                      unsigned took_ms)
{
    struct checks *checks = context;

    checks->farm->instances[index].check_ms = took_ms;
    checks->pending[index].is_reported = true;
    checks->pending[index].result = *result;
    exchange_want(checks->exchange, index);
}

static void on_missed(void *context, size_t index)
{
    struct checks *checks = context;

    checks->farm->instances[index].missed++;
}

static const char *haproxy_address(void *context, size_t index)
{
    const struct checks *checks = context;

    return checks->farm->instances[index].address;
}

/* Checks under way are judged by the new process' counts, which begin at 0. All are asked again. */
static void on_process_met(void *context)
{
    struct checks *checks = context;

    for (size_t i = 0; i < checks->farm->count; i++) {
        checks->pending[i].start.acceptances = 0;
        checks->pending[i].start.sessions = 0;
        checks->pending[i].start.in_flight = 0;
    }
    poller_hurry(checks->poller);
}

/*
 * Who has drained one may wait for its last job, whoever's it is: so it is asked at once, and as
 * long as it has some as often as while jobs run.
 */
static void see_drain(struct checks *checks, size_t index)
{
    const struct instance *instance = &checks->farm->instances[index];
    struct pending *pending = &checks->pending[index];

    if (instance_is_drained(instance) && !pending->is_drained)
        poller_due_in(checks->poller, index, 0);
    else if (instance_is_drained(instance) && instance->active_jobs > 0 && !instance->asked)
        poller_due_in(checks->poller, index,
                      instance->started_ms + checks->config->jobs_interval_ms - clock_ms());
    pending->is_drained = instance_is_drained(instance);
}

static void on_all_counted(void *context)
{
    struct checks *checks = context;

    pace_take_counts(checks->pace, clock_ms());
    poller_set_interval(checks->poller, pace_interval_ms(checks->pace));
    for (size_t i = 0; i < checks->farm->count; i++) {
        see_drain(checks, i);
        if (instance_accepted(&checks->farm->instances[i]) == 0)
            continue;
        pace_quicken(checks->pace, i);
        hasten(checks, i);
    }
}

/*
 * A check that a reload gave up is begun again when its interval is over, else fast reloads would
 * starve it; sooner they would ask without end.
 */
static void resume_checks(struct checks *checks)
{
    int64_t now = clock_ms();

    for (size_t i = 0; i < checks->farm->count; i++) {
        const struct instance *instance = &checks->farm->instances[i];
        if (instance->asked)
            poller_due_in(checks->poller, i,
                          instance->started_ms + checks->config->jobs_interval_ms - now);
    }
}

static struct poller *new_poller(struct checks *checks, struct event_base *base,
                                 long connections_max)
{
    struct poller_events events = {.due = on_due,
                                   .result = on_result,
                                   .missed = on_missed,
                                   .address = haproxy_address,
                                   .context = checks};
    bool *is_now = xcalloc(checks->farm->count, sizeof(*is_now));

    for (size_t i = 0; i < checks->farm->count; i++)
        is_now[i] = !checks->farm->instances[i].checked && !checks->farm->instances[i].asked;
    struct poller *poller = poller_new(base, checks->config, is_now, pace_interval_ms(checks->pace),
                                       connections_max, &events);
    free(is_now);
    return poller;
}

struct checks *checks_new(struct event_base *base, const struct config *config, struct farm *farm,
                          long connections_max)
{
    struct checks *checks = xcalloc(1, sizeof(*checks));
    struct exchange_events events = {.process_met = on_process_met,
                                     .all_counted = on_all_counted,
                                     .counted = on_counted,
                                     .context = checks};

    checks->config = config;
    checks->farm = farm;
    checks->pending = xcalloc(farm->count, sizeof(*checks->pending));
    for (size_t i = 0; i < farm->count; i++)
        checks->pending[i].is_drained = farm->instances[i].drained;
    checks->pace = pace_new(config, farm, clock_ms());
    checks->exchange = exchange_new(base, config, farm, &events);
    checks->poller = new_poller(checks, base, connections_max);
    if (checks->exchange == NULL || checks->poller == NULL) {
        checks_free(checks);
        return NULL;
    }
    resume_checks(checks);
    exchange_start(checks->exchange);
    return checks;
}

static unsigned count_due(const struct checks *checks)
{
    unsigned count = 0;

    for (size_t i = 0; i < checks->farm->count; i++)
        count += checks->farm->instances[i].asked || poller_is_due(checks->poller, i);
    return count;
}

struct checks_counts checks_counts(const struct checks *checks)
{
    struct exchange_counts counts = exchange_counts(checks->exchange);

    return (struct checks_counts){.haproxy_answers = counts.answers,
                                  .haproxy_failures = counts.failures,
                                  .haproxy_processes = counts.processes,
                                  .haproxy_present = counts.is_present,
                                  .due = count_due(checks),
                                  .interval_ms = pace_interval_ms(checks->pace)};
}

const struct presence *checks_presence(const struct checks *checks)
{
    return exchange_presence(checks->exchange);
}

void checks_tell_owner(struct checks *checks, const unsigned char *id, size_t length,
                       unsigned number)
{
    exchange_tell_owner(checks->exchange, id, length, number);
}

void checks_free(struct checks *checks)
{
    if (checks == NULL)
        return;
    /* The poller first: it is what would ask HAProxy. */
    poller_free(checks->poller);
    exchange_free(checks->exchange);
    pace_free(checks->pace);
    free(checks->pending);
    free(checks);
}
