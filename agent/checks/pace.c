#include "checks/pace.h"

#include <stdlib.h>

#include "xalloc.h"

/*
 * The shortest gap is this part of JOBS_INTERVAL; as long as nothing changes, it grows by an eighth
 * each time. In tests/bench/model that has half of the loss of equal intervals. So many instances
 * together stay below a thousand reports a second.
 */
#define QUICK_PART 10
#define QUICK_PER_INSTANCE_MS 1
#define QUICK_PER_CHECK 10 /* times what the last check took */
#define QUICK_GROWTH 8
/* Jobs that come one by one are a busy farm too: so many intervals after the last one. */
#define BUSY_INTERVALS 5

/* An instance at its last report. */
struct reported {
    unsigned gap_ms; /* from its last check to the next in a busy farm, at most JOBS_INTERVAL */
    unsigned in_flight;
    uint64_t sessions;
};

/* What all instances have together. */
struct activity {
    uint64_t in_flight;
    uint64_t sessions;
    uint64_t acceptances;
    uint64_t external;
    uint64_t accepted;
};

struct pace {
    const struct config *config;
    struct farm *farm;
    struct reported *reported; /* one for each instance */
    struct activity seen;      /* when all counts were last read */
    bool is_busy;
};

static struct activity activity_of(const struct farm *farm)
{
    struct activity sum = {0};

    for (size_t i = 0; i < farm->count; i++) {
        const struct instance *instance = &farm->instances[i];
        sum.in_flight += instance->in_flight;
        sum.sessions += instance->sessions;
        sum.acceptances += instance->acceptances;
        sum.external += instance->external_jobs;
        sum.accepted += instance_accepted(instance);
    }
    return sum;
}

/* Of accepted jobs, as far as reports tell them from those of others. */
static bool are_over(const struct farm *farm, const struct activity *now)
{
    for (size_t i = 0; i < farm->count; i++) {
        if (now->acceptances > 0 && !farm->instances[i].checked)
            return false;
    }
    return now->acceptances == 0 || (now->external == 0 && now->accepted == 0);
}

/* Whether each instance has been asked since HAProxy's process was met. */
static bool has_reported_to_process(const struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        if (farm->instances[i].asked || farm->instances[i].started_ms < farm->process_ms)
            return false;
    }
    return true;
}

/* Whether jobs of ours run, or came since the last time that all counts were read. */
static bool see_jobs(struct pace *pace)
{
    struct farm *farm = pace->farm;
    struct activity before = pace->seen;
    struct activity now = activity_of(farm);

    pace->seen = now;
    if (now.acceptances != before.acceptances)
        farm->is_async = true;
    if (are_over(farm, &now))
        farm->is_async = false;
    if (now.external == 0 && has_reported_to_process(farm))
        farm->is_inherited = false;
    return now.in_flight > 0 || now.sessions != before.sessions || farm->is_async ||
           farm->is_inherited;
}

static bool is_busy(const struct pace *pace, int64_t now_ms)
{
    int64_t busy_ms = pace->farm->busy_ms;

    return busy_ms != 0 &&
           now_ms - busy_ms <= BUSY_INTERVALS * (int64_t)pace->config->jobs_interval_ms;
}

struct pace *pace_new(const struct config *config, struct farm *farm, int64_t now_ms)
{
    struct pace *pace = xcalloc(1, sizeof(*pace));

    pace->config = config;
    pace->farm = farm;
    pace->reported = xcalloc(farm->count, sizeof(*pace->reported));
    for (size_t i = 0; i < farm->count; i++)
        pace->reported[i].gap_ms = config->jobs_interval_ms;
    pace->seen = activity_of(farm);
    pace->is_busy = is_busy(pace, now_ms);
    return pace;
}

void pace_free(struct pace *pace)
{
    if (pace == NULL)
        return;
    free(pace->reported);
    free(pace);
}

void pace_take_counts(struct pace *pace, int64_t now_ms)
{
    if (see_jobs(pace))
        pace->farm->busy_ms = now_ms;
    pace->is_busy = is_busy(pace, now_ms);
}

unsigned pace_interval_ms(const struct pace *pace)
{
    return pace->is_busy ? pace->config->jobs_interval_ms : pace->config->check_interval_ms;
}

static unsigned shortest_gap_ms(const struct pace *pace, size_t index)
{
    size_t least = pace->farm->count * QUICK_PER_INSTANCE_MS;
    unsigned part = pace->config->jobs_interval_ms / QUICK_PART;
    unsigned dear = pace->farm->instances[index].check_ms * QUICK_PER_CHECK;

    if (least < dear)
        least = dear;
    return least > part ? (unsigned)least : part;
}

static void set_gap(struct pace *pace, size_t index, unsigned gap_ms)
{
    unsigned most = pace->config->jobs_interval_ms;

    pace->reported[index].gap_ms = gap_ms < most ? gap_ms : most;
}

void pace_take_report(struct pace *pace, size_t index, unsigned previous_jobs)
{
    const struct instance *instance = &pace->farm->instances[index];
    struct reported *reported = &pace->reported[index];
    bool has_changed = instance->active_jobs != previous_jobs ||
                       instance->in_flight != reported->in_flight ||
                       instance->sessions != reported->sessions;

    reported->in_flight = instance->in_flight;
    reported->sessions = instance->sessions;
    if (has_changed)
        pace_quicken(pace, index);
    else
        set_gap(pace, index, reported->gap_ms + reported->gap_ms / QUICK_GROWTH + 1);
}

void pace_quicken(struct pace *pace, size_t index)
{
    set_gap(pace, index, shortest_gap_ms(pace, index));
}

bool pace_is_sooner(const struct pace *pace, size_t index, int64_t *due_ms)
{
    unsigned gap_ms = pace->reported[index].gap_ms;

    *due_ms = pace->farm->instances[index].started_ms + gap_ms;
    return pace->is_busy && gap_ms < pace->config->jobs_interval_ms;
}
