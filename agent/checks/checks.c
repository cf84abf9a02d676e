#include "checks/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks/poller.h"
#include "clock.h"
#include "haproxy/answer.h"
#include "haproxy/haproxy.h"
#include "haproxy/statefile.h"
#include "log.h"
#include "names.h"
#include "xalloc.h"

#define PROBLEM_MAX 80

/* Servers only (4): all of them (-1), or one. */
#define ASK_ALL "show stat " BACKEND_NAME " 4 -1"
#define ASK_ONE "show stat " BACKEND_NAME " 4 %u"
#define ASK_SERVERS "show servers state " BACKEND_NAME
#define ASK_TABLE "show table "
#define ASK_ENTRY "show table " TABLE_JOBS " key %u"
#define TELL "set table " TABLE_JOBS " key %u data.gpt0 %" PRIu32
#define FORGIVE "set table %s key %u data.gpt0 0"
/* With more of them to ask about, one answer of all is cheaper. */
#define ASKED_ALONE_MAX 64U

/*
 * All counts are asked for so often, but by a HAProxy with many servers not for more than a
 * fiftieth of its time, as long as a second is enough for that.
 */
#define REFRESH_MIN_MS 250
#define REFRESH_MAX_MS 1000
#define REFRESH_FACTOR 50
/*
 * What other people and asynchronous jobs do is only seen in reports: an instance at which
 * something has changed since its last report is asked again after this part of JOBS_INTERVAL; as
 * long as nothing does, the time grows by an eighth each time. In tests/bench/model that has half
 * of the loss of equal intervals. So many instances together stay below a thousand reports a
 * second.
 */
#define QUICK_PART 10
#define QUICK_PER_INSTANCE_MS 1
#define QUICK_PER_CHECK 10 /* times what the last check took */
#define QUICK_GROWTH 8
/* Jobs that come one by one are a busy farm too: so many intervals after the last one. */
#define BUSY_INTERVALS 5

/* What an instance waits for HAProxy's counts with: a result, a check that is due. */
struct pending {
    bool is_reported;
    bool is_due;
    unsigned gap_ms;    /* from its last check to the next in a busy farm */
    unsigned in_flight; /* at its last report */
    uint64_t sessions;
    struct check_start start;
    struct check_result result;
};

/* What all instances have together. */
struct activity {
    uint64_t in_flight;
    uint64_t sessions;
    uint64_t acceptances;
    uint64_t external;
    uint64_t accepted;
};

struct checks {
    const struct config *config;
    struct farm *farm;
    struct poller *poller;
    struct haproxy *haproxy;
    struct statefile *statefile;
    struct event *refresh;
    struct pending *pending; /* one for each instance */
    size_t *queue;           /* indices of those that wait, in the order of their coming */
    size_t queued;
    size_t asked;      /* the first so many came before the query under way began */
    bool *was_drained; /* one for each instance */
    bool all_wanted;   /* the next query is for all servers, whatever waits */
    bool all_asked;    /* the one under way is */
    int64_t asked_ms;  /* when it began */
    bool is_busy;
    struct activity seen; /* when all counts were last read */
    bool has_table;       /* HAProxy has the table that is written to */
    bool has_inherited;   /* its process is new, and has to be told everything */
    struct checks_counts counts;
    bool haproxy_known;                /* whether HAProxy is there has been logged */
    char haproxy_problem[PROBLEM_MAX]; /* the last that was logged; "" if it answers */
};

static void log_change(const struct checks *checks, const struct instance *instance,
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
    if (change == INSTANCE_BECAME_UNHEALTHY && farm_count_healthy(checks->farm) == 0)
        log_error("no healthy instance is left of %zu", checks->farm->count);
}

/* A failure that counts is logged until it is a state, and when its reason changes. */
static void log_check(const struct instance *instance, const struct check_result *result,
                      enum check_reason previous, unsigned failures)
{
    const char *name = INSTANCE_PREFIX;

    if (result->reason == CHECK_PASSED)
        log_debug("instance=%s%u check passed: active_jobs=%u in_flight=%u external_jobs=%u "
                  "accepted=%u took=%u ms",
                  name, instance->number, instance->active_jobs, instance->in_flight,
                  instance->external_jobs, instance_accepted(instance), instance->check_ms);
    else if (failures != instance->failures || previous != result->reason)
        log_warning("instance=%s%u url=%s check failed, %u in a row: %s", name, instance->number,
                    instance->url, instance->failures, instance->error);
    else
        log_debug("instance=%s%u check failed, %u in a row: %s", name, instance->number,
                  instance->failures, instance->error);
}

/* The shortest time between two checks of a busy farm's instance. */
static unsigned quick_interval_ms(const struct checks *checks, size_t index)
{
    size_t least = checks->farm->count * QUICK_PER_INSTANCE_MS;
    unsigned part = checks->config->jobs_interval_ms / QUICK_PART;
    unsigned dear = checks->farm->instances[index].check_ms * QUICK_PER_CHECK;

    if (least < dear)
        least = dear;
    return least > part ? (unsigned)least : part;
}

static void hasten(struct checks *checks, size_t index)
{
    struct pending *pending = &checks->pending[index];
    unsigned most = checks->config->jobs_interval_ms;

    if (pending->gap_ms > most)
        pending->gap_ms = most;
    if (checks->is_busy && pending->gap_ms < most)
        poller_due_in(checks->poller, index,
                      checks->farm->instances[index].started_ms + pending->gap_ms - clock_ms());
}

/* After a report: has anything come, gone, or been counted otherwise since the one before? */
static void choose_gap(struct checks *checks, size_t index, unsigned previous_jobs)
{
    const struct instance *instance = &checks->farm->instances[index];
    struct pending *pending = &checks->pending[index];
    bool has_changed = instance->active_jobs != previous_jobs ||
                       instance->in_flight != pending->in_flight ||
                       instance->sessions != pending->sessions;

    pending->in_flight = instance->in_flight;
    pending->sessions = instance->sessions;
    if (has_changed)
        pending->gap_ms = quick_interval_ms(checks, index);
    else
        pending->gap_ms += pending->gap_ms / QUICK_GROWTH + 1;
    hasten(checks, index);
}

/* The one end of every check, with HAProxy's counts in the instance. */
static void complete(struct checks *checks, size_t index)
{
    struct instance *instance = &checks->farm->instances[index];
    struct pending *pending = &checks->pending[index];
    struct check_rules rules = {.unhealthy_after = checks->config->unhealthy_after,
                                .interval_ms = checks->config->check_interval_ms};
    struct moment now = clock_now();
    int64_t lasted_ms = now.monotonic_ms - instance->changed_ms;
    unsigned failures = instance->failures;
    unsigned previous_jobs = instance->active_jobs;
    enum check_reason previous = instance->reason;

    pending->is_reported = false;
    instance->asked = false;
    enum instance_change change =
        instance_apply(instance, &pending->result, &pending->start, &rules, &now);
    log_check(instance, &pending->result, previous, failures);
    log_change(checks, instance, change, lasted_ms);
    choose_gap(checks, index, previous_jobs);
}

static void wait_for_counts(struct checks *checks, size_t index)
{
    const struct pending *pending = &checks->pending[index];

    if (!pending->is_reported && !pending->is_due)
        checks->queue[checks->queued++] = index;
    haproxy_query(checks->haproxy);
}

static void on_due(void *context, size_t index)
{
    struct checks *checks = context;

    wait_for_counts(checks, index);
    checks->pending[index].is_due = true;
    checks->farm->instances[index].asked = true;
}

static void on_poll(void *context, size_t index, const struct check_result *result,
                    unsigned took_ms)
{
    struct checks *checks = context;

    checks->farm->instances[index].check_ms = took_ms;
    wait_for_counts(checks, index);
    checks->pending[index].is_reported = true;
    checks->pending[index].result = *result;
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

static void on_missed(void *context, size_t index)
{
    struct checks *checks = context;

    checks->farm->instances[index].missed++;
}

static void log_drain(struct checks *checks, size_t index)
{
    const struct instance *instance = &checks->farm->instances[index];

    if (instance->drained == checks->was_drained[index])
        return;
    checks->was_drained[index] = instance->drained;
    log_info("instance=" INSTANCE_PREFIX "%u is %s in HAProxy", instance->number,
             instance->drained ? "drained: no new jobs" : "no longer drained");
}

static void log_drains(struct checks *checks)
{
    for (size_t i = 0; i < checks->farm->count; i++)
        log_drain(checks, i);
}

static void note_presence(struct checks *checks, bool present, const char *problem)
{
    if (checks->haproxy_known && checks->counts.haproxy_present == present)
        return;
    checks->haproxy_known = true;
    checks->haproxy_problem[0] = '\0';
    checks->counts.haproxy_present = present;
    if (present)
        log_info("HAProxy answers on %s", checks->config->haproxy_socket);
    else
        log_info("HAProxy doesn't answer on %s (%s): its requests in flight count as 0",
                 checks->config->haproxy_socket, problem);
}

/* Once, not with each of the many queries that fail the same way. */
static void note_problem(struct checks *checks, const char *problem)
{
    if (strcmp(checks->haproxy_problem, problem) == 0)
        return;
    snprintf(checks->haproxy_problem, sizeof(checks->haproxy_problem), "%s", problem);
    checks->haproxy_known = false;
    log_warning("HAProxy can't be asked on %s: %s: the last counts are kept",
                checks->config->haproxy_socket, problem);
}

/*
 * A HAProxy that isn't there has nothing in flight. What an operator said stands: the next process
 * has it from the state file, and must not be told otherwise by its first agent-checks.
 */
static void forget_counts(struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        farm->instances[i].in_flight = 0;
        farm->instances[i].address[0] = '\0';
    }
}

static bool may_ask_alone(const struct checks *checks)
{
    if (checks->all_wanted || checks->queued == 0 || checks->queued > ASKED_ALONE_MAX)
        return false;
    for (size_t i = 0; i < checks->queued; i++) {
        if (checks->farm->instances[checks->queue[i]].server_id == 0)
            return false;
    }
    return true;
}

static void ask_all(struct checks *checks)
{
    haproxy_say(checks->haproxy, ASK_ALL);
    haproxy_say(checks->haproxy, ASK_SERVERS);
    haproxy_say(checks->haproxy, ASK_TABLE TABLE_JOBS);
    haproxy_say(checks->haproxy, ASK_TABLE TABLE_FAILED);
}

static void on_ask(void *context)
{
    struct checks *checks = context;

    checks->all_asked = !may_ask_alone(checks);
    checks->all_wanted = false;
    checks->asked = checks->queued;
    checks->asked_ms = clock_ms();
    if (checks->all_asked) {
        ask_all(checks);
        return;
    }
    haproxy_say(checks->haproxy, ASK_ENTRY, TABLE_MARK_KEY);
    for (size_t i = 0; i < checks->asked; i++) {
        const struct instance *instance = &checks->farm->instances[checks->queue[i]];
        haproxy_say(checks->haproxy, ASK_ONE, instance->server_id);
        haproxy_say(checks->haproxy, ASK_ENTRY, instance->number);
    }
}

/*
 * What was open in the old process, or accepted by it, is external to the new one, and its
 * table is empty. All instances are asked again.
 */
static void welcome_process(struct checks *checks)
{
    bool is_first = checks->farm->process_ms == 0;

    checks->counts.haproxy_processes++;
    for (size_t i = 0; i < checks->farm->count; i++) {
        instance_inherit(&checks->farm->instances[i]);
        checks->pending[i].start.acceptances = 0;
        checks->pending[i].start.sessions = 0;
        checks->pending[i].start.in_flight = 0;
    }
    checks->has_inherited = true;
    checks->farm->is_inherited = !is_first;
    checks->farm->process_ms = clock_ms();
    log_info("HAProxy on %s is a %s: every instance is asked at once",
             checks->config->haproxy_socket,
             is_first ? "process that this agent hasn't met" : "new process");
    poller_hurry(checks->poller);
}

/* Ids may be of a HAProxy that has been reloaded since, and a drain needs the whole answer. */
static bool apply_some(struct checks *checks, const char *text, size_t length)
{
    struct farm *farm = checks->farm;
    struct answer answer = answer_look(text, length);

    if (checks->has_table && (!answer.has_mark || answer.mark != farm->mark))
        return false;
    for (size_t i = 0; i < checks->asked; i++)
        farm->instances[checks->queue[i]].server_id = 0;
    answer = answer_apply(farm, text, length, ANSWER_SOME);
    for (size_t i = 0; i < farm->count; i++)
        farm->instances[i].drained = checks->was_drained[i];
    return answer.has_stat;
}

static void see_errors(struct instance *instance)
{
    unsigned before = server_errors_penalty(&instance->errors);

    instance_see_errors(instance, clock_ms());
    unsigned after = server_errors_penalty(&instance->errors);
    if (before == 0 && after > 0)
        log_warning("instance=" INSTANCE_PREFIX "%u url=%s connections or responses failed: it "
                    "counts as if it had %u jobs more",
                    instance->number, instance->url, after);
    if (before > 0 && after == 0)
        log_info("instance=" INSTANCE_PREFIX "%u url=%s counts as its jobs again", instance->number,
                 instance->url);
}

static bool apply_all(struct checks *checks, const char *text, size_t length)
{
    struct farm *farm = checks->farm;
    struct answer answer = answer_look(text, length);

    bool is_new = answer.has_stat && (!answer.has_mark || answer.mark != farm->mark);

    checks->has_table = answer.has_jobs;
    if (is_new && checks->has_table)
        welcome_process(checks);
    answer = answer_apply(farm, text, length, ANSWER_ALL);
    /* What was accepted before this agent came, no report tells it apart. */
    for (size_t i = 0; i < farm->count; i++) {
        see_errors(&farm->instances[i]);
        if (farm->instances[i].passed == 0)
            farm->instances[i].reported = farm->instances[i].acceptances;
    }
    if (answer.has_servers)
        statefile_update(checks->statefile, text, length);
    return answer.has_stat;
}

/* An agent that has just started leaves what its predecessor told until it knows better. */
static void tell(struct checks *checks, size_t index)
{
    struct instance *instance = &checks->farm->instances[index];
    uint32_t word = instance_word(instance);

    bool is_known = instance->passed > 0 || instance->drained || instance_penalty(instance) > 0;
    if (word == instance->told || !is_known)
        return;
    haproxy_say(checks->haproxy, TELL, instance->number, word);
    instance->told = word;
}

/*
 * What all instances fail at is no instance's fault: a client's bad files, a network that is down.
 * Else the first one that succeeds again would get everything for as long as the others are held
 * for it.
 */
static void forgive_common_failures(struct checks *checks)
{
    struct farm *farm = checks->farm;

    if (!farm_fails_alike(farm))
        return;
    for (size_t i = 0; i < farm->count; i++) {
        struct instance *instance = &farm->instances[i];
        server_errors_forgive(&instance->errors);
        if (instance->jobs_penalty == 0)
            continue;
        instance->jobs_penalty = 0;
        haproxy_say(checks->haproxy, FORGIVE, TABLE_FAILED, instance->number);
        haproxy_say(checks->haproxy, FORGIVE, TABLE_FAILURES, instance->number);
    }
}

static void tell_all(struct checks *checks)
{
    if (!checks->has_table)
        return;
    if (checks->all_asked)
        forgive_common_failures(checks);
    if (checks->has_inherited)
        haproxy_say(checks->haproxy, TELL, TABLE_MARK_KEY, checks->farm->mark);
    for (size_t i = 0; i < checks->farm->count; i++)
        tell(checks, i);
    checks->has_inherited = false;
}

/* Goes on with those that waited for counts, but those that a part of the answers left out. */
static void serve_asked(struct checks *checks, bool is_answered)
{
    size_t asked = checks->asked;
    size_t left = 0;

    checks->asked = 0;
    for (size_t i = 0; i < checks->queued; i++) {
        size_t index = checks->queue[i];
        bool is_unanswered =
            is_answered && !checks->all_asked && checks->farm->instances[index].server_id == 0;
        if (i >= asked || is_unanswered) {
            checks->queue[left++] = index;
            continue;
        }
        if (checks->pending[index].is_reported)
            complete(checks, index);
        if (checks->pending[index].is_due)
            start_check(checks, index);
    }
    checks->queued = left;
}

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

static bool is_busy(const struct checks *checks)
{
    int64_t busy_ms = checks->farm->busy_ms;

    return busy_ms != 0 &&
           clock_ms() - busy_ms <= BUSY_INTERVALS * (int64_t)checks->config->jobs_interval_ms;
}

static unsigned interval_ms(const struct checks *checks)
{
    return checks->is_busy ? checks->config->jobs_interval_ms : checks->config->check_interval_ms;
}

/* Whether jobs of ours run, or came since the last time that all counts were read. */
static bool see_jobs(struct checks *checks)
{
    struct activity before = checks->seen;
    struct activity now = activity_of(checks->farm);

    checks->seen = now;
    if (now.acceptances != before.acceptances)
        checks->farm->is_async = true;
    if (are_over(checks->farm, &now))
        checks->farm->is_async = false;
    if (now.external == 0 && has_reported_to_process(checks->farm))
        checks->farm->is_inherited = false;
    return now.in_flight > 0 || now.sessions != before.sessions || checks->farm->is_async ||
           checks->farm->is_inherited;
}

static void set_pace(struct checks *checks)
{
    if (see_jobs(checks))
        checks->farm->busy_ms = clock_ms();
    checks->is_busy = is_busy(checks);
    poller_set_interval(checks->poller, interval_ms(checks));
    for (size_t i = 0; i < checks->farm->count; i++) {
        if (instance_accepted(&checks->farm->instances[i]) == 0)
            continue;
        checks->pending[i].gap_ms = quick_interval_ms(checks, i);
        hasten(checks, i);
    }
}

static void take_counts(struct checks *checks, const char *text, size_t length)
{
    bool good =
        checks->all_asked ? apply_all(checks, text, length) : apply_some(checks, text, length);

    if (good) {
        checks->counts.haproxy_answers++;
        note_presence(checks, true, NULL);
        if (checks->all_asked)
            set_pace(checks);
        return;
    }
    if (!checks->all_asked) {
        /* Another process than the one that we know: only a whole answer tells enough of it. */
        checks->all_wanted = true;
        return;
    }
    checks->counts.haproxy_failures++;
    note_problem(checks, "it shows no backend " BACKEND_NAME);
}

static void plan_refresh(struct checks *checks)
{
    int64_t wait_ms = REFRESH_FACTOR * (clock_ms() - checks->asked_ms);

    if (wait_ms < REFRESH_MIN_MS)
        wait_ms = REFRESH_MIN_MS;
    if (wait_ms > REFRESH_MAX_MS)
        wait_ms = REFRESH_MAX_MS;
    if (wait_ms > config_agent_inter_ms(checks->config))
        wait_ms = config_agent_inter_ms(checks->config);
    struct timeval wait = clock_timeval(wait_ms);
    evtimer_add(checks->refresh, &wait);
}

static void on_counts(void *context, enum haproxy_outcome outcome, char *text, size_t length,
                      const char *problem)
{
    struct checks *checks = context;
    bool is_known = true;

    switch (outcome) {
    case HAPROXY_ANSWERED:
        take_counts(checks, text, length);
        is_known = !checks->all_wanted || checks->all_asked;
        break;
    case HAPROXY_ABSENT:
        forget_counts(checks->farm);
        note_presence(checks, false, problem);
        break;
    case HAPROXY_FAILED:
        checks->counts.haproxy_failures++;
        note_problem(checks, problem);
        break;
    }
    log_drains(checks);
    if (is_known)
        serve_asked(checks, outcome == HAPROXY_ANSWERED);
    else
        checks->asked = 0;
    if (outcome == HAPROXY_ANSWERED && is_known)
        tell_all(checks);
    if (checks->all_asked)
        plan_refresh(checks);
    if (checks->queued > 0 || checks->all_wanted)
        haproxy_query(checks->haproxy);
}

/* Between polls too: a drain takes effect, and GET /health shows what is in flight. */
static void on_refresh(evutil_socket_t fd, short what, void *argument)
{
    struct checks *checks = argument;

    (void)fd;
    (void)what;
    checks->all_wanted = true;
    haproxy_query(checks->haproxy);
}

static const char *haproxy_address(void *context, size_t index)
{
    const struct checks *checks = context;

    return checks->farm->instances[index].address;
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

static bool start_poller(struct checks *checks, struct event_base *base, long connections_max)
{
    struct poller_events events = {.due = on_due,
                                   .result = on_poll,
                                   .missed = on_missed,
                                   .address = haproxy_address,
                                   .context = checks};
    bool *is_now = xcalloc(checks->farm->count, sizeof(*is_now));

    for (size_t i = 0; i < checks->farm->count; i++) {
        is_now[i] = !checks->farm->instances[i].checked && !checks->farm->instances[i].asked;
        checks->was_drained[i] = checks->farm->instances[i].drained;
        checks->pending[i].gap_ms = checks->config->jobs_interval_ms;
    }
    checks->is_busy = is_busy(checks);
    checks->poller =
        poller_new(base, checks->config, is_now, interval_ms(checks), connections_max, &events);
    free(is_now);
    if (checks->poller == NULL)
        return false;
    resume_checks(checks);
    return true;
}

struct checks *checks_new(struct event_base *base, const struct config *config, struct farm *farm,
                          long connections_max)
{
    struct checks *checks = xcalloc(1, sizeof(*checks));
    struct haproxy_events events = {.ask = on_ask, .result = on_counts, .context = checks};

    checks->config = config;
    checks->farm = farm;
    checks->pending = xcalloc(farm->count, sizeof(*checks->pending));
    checks->queue = xcalloc(farm->count, sizeof(*checks->queue));
    checks->was_drained = xcalloc(farm->count, sizeof(*checks->was_drained));
    checks->haproxy = haproxy_new(base, config->haproxy_socket, farm->count, &events);
    checks->statefile = statefile_new(config);
    checks->refresh = evtimer_new(base, on_refresh, checks);
    checks->all_wanted = true;
    checks->seen = activity_of(farm);
    if (checks->haproxy == NULL || checks->refresh == NULL ||
        !start_poller(checks, base, connections_max)) {
        checks_free(checks);
        return NULL;
    }
    haproxy_query(checks->haproxy);
    return checks;
}

struct checks_counts checks_counts(const struct checks *checks)
{
    return checks->counts;
}

void checks_free(struct checks *checks)
{
    if (checks == NULL)
        return;
    /* The poller first: it is what would ask HAProxy. */
    poller_free(checks->poller);
    haproxy_free(checks->haproxy);
    statefile_free(checks->statefile);
    if (checks->refresh != NULL)
        event_free(checks->refresh);
    free(checks->pending);
    free(checks->queue);
    free(checks->was_drained);
    free(checks);
}
