#include "checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "haproxy.h"
#include "log.h"
#include "names.h"
#include "poller.h"
#include "showstat.h"
#include "xalloc.h"

#define PROBLEM_MAX 80

/* Servers only (4): all of them (-1), or one. */
#define ASK_ALL "show stat " BACKEND_NAME " 4 -1"
#define ASK_ONE "show stat " BACKEND_NAME " 4 %u;"
/* With more of them to ask about, one answer of all is cheaper. */
#define ASKED_ALONE_MAX 64U

/* A poll's result that waits for HAProxy's counts. */
struct pending {
    bool waiting;
    struct sample sample;
};

struct checks {
    const struct config *config;
    struct farm *farm;
    struct poller *poller;
    struct haproxy *haproxy;
    struct event *refresh;
    struct pending *pending; /* one for each state */
    size_t *queue;           /* indices of those that wait, in the order of their coming */
    size_t queued;
    size_t asked;      /* the first so many came before the query under way began */
    bool *was_drained; /* the same */
    bool all_wanted;   /* the next query is for all servers, whatever waits */
    bool all_asked;    /* the one under way is */
    struct checks_counts counts;
    bool haproxy_known;                /* whether HAProxy is there has been logged */
    char haproxy_problem[PROBLEM_MAX]; /* the last that was logged; "" if it answers */
};

static void log_change(const struct checks *checks, const struct state *state,
                       enum state_change change, int64_t lasted_ms)
{
    const char *name = INSTANCE_PREFIX;

    if (change == STATE_BECAME_HEALTHY)
        log_info("instance=%s%u url=%s is healthy again after %" PRId64 " s", name, state->number,
                 state->url, lasted_ms / 1000);
    if (change == STATE_BECAME_UNHEALTHY)
        log_info(
            "instance=%s%u url=%s is unhealthy after %u failed checks, was healthy for %" PRId64
            " s: %s",
            name, state->number, state->url, state->failures, lasted_ms / 1000, state->error);
    if (change == STATE_BECAME_UNHEALTHY && farm_count_healthy(checks->farm) == 0)
        log_error("no healthy instance is left of %zu", checks->farm->count);
}

/* A failure that goes on for days is logged until it is a state, and when its reason changes. */
static void log_check(const struct checks *checks, const struct state *state,
                      const struct sample *sample, const char *previous_error)
{
    const char *name = INSTANCE_PREFIX;

    if (sample->reason == CHECK_PASSED)
        log_debug("instance=%s%u check passed: active_jobs=%u in_flight=%u external_jobs=%u "
                  "took=%u ms",
                  name, state->number, state->active_jobs, state->in_flight, state->external_jobs,
                  state->check_ms);
    else if (state->failures <= checks->config->unhealthy_after ||
             strcmp(previous_error, state->error) != 0)
        log_warning("instance=%s%u url=%s check failed, %u in a row: %s", name, state->number,
                    state->url, state->failures, state->error);
    else
        log_debug("instance=%s%u check failed, %u in a row: %s", name, state->number,
                  state->failures, state->error);
}

/* The one end of every check, with HAProxy's counts in the state. */
static void complete(struct checks *checks, size_t index)
{
    struct state *state = &checks->farm->states[index];
    struct pending *pending = &checks->pending[index];
    struct moment now = clock_now();
    int64_t lasted_ms = now.monotonic_ms - state->changed_ms;
    char previous_error[STATE_ERROR_MAX];

    memcpy(previous_error, state->error, sizeof(previous_error));
    pending->waiting = false;
    enum state_change change =
        state_apply(state, &pending->sample, checks->config->unhealthy_after, &now);
    log_check(checks, state, &pending->sample, previous_error);
    log_change(checks, state, change, lasted_ms);
}

static void on_poll(void *context, size_t index, const struct sample *sample, unsigned took_ms)
{
    struct checks *checks = context;
    struct pending *pending = &checks->pending[index];

    checks->farm->states[index].check_ms = took_ms;
    /* One that overtakes its predecessor keeps its place: else it might wait for ever. */
    if (!pending->waiting)
        checks->queue[checks->queued++] = index;
    pending->waiting = true;
    pending->sample = *sample;
    haproxy_query(checks->haproxy);
}

static void on_missed(void *context, size_t index)
{
    struct checks *checks = context;

    checks->farm->states[index].missed++;
}

static void log_drain(struct checks *checks, size_t index)
{
    const struct state *state = &checks->farm->states[index];

    if (state->drained == checks->was_drained[index])
        return;
    checks->was_drained[index] = state->drained;
    log_info("instance=" INSTANCE_PREFIX "%u is %s in HAProxy", state->number,
             state->drained ? "drained: no new jobs" : "no longer drained");
}

static void log_drains(struct checks *checks)
{
    size_t count = checks->all_asked ? checks->farm->count : checks->asked;

    for (size_t i = 0; i < count; i++)
        log_drain(checks, checks->all_asked ? i : checks->queue[i]);
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

/* A HAProxy that isn't there has nothing in flight, and nothing drained. */
static void forget_counts(struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        farm->states[i].in_flight = 0;
        farm->states[i].drained = false;
    }
}

static bool may_ask_alone(const struct checks *checks)
{
    if (checks->all_wanted || checks->queued == 0 || checks->queued > ASKED_ALONE_MAX)
        return false;
    for (size_t i = 0; i < checks->queued; i++) {
        if (checks->farm->states[checks->queue[i]].server_id == 0)
            return false;
    }
    return true;
}

static void on_command(void *context, char *command)
{
    struct checks *checks = context;
    size_t length = 0;

    checks->all_asked = !may_ask_alone(checks);
    checks->all_wanted = false;
    checks->asked = checks->queued;
    if (checks->all_asked) {
        snprintf(command, HAPROXY_COMMAND_SIZE, "%s\n", ASK_ALL);
        return;
    }
    for (size_t i = 0; i < checks->asked; i++)
        length += (size_t)snprintf(command + length, HAPROXY_COMMAND_SIZE - length, ASK_ONE,
                                   checks->farm->states[checks->queue[i]].server_id);
    command[length - 1] = '\n';
}

/* The ids may be of a HAProxy that has been reloaded since: an answer names its server. */
static void forget_asked_ids(struct checks *checks)
{
    for (size_t i = 0; i < checks->asked; i++)
        checks->farm->states[checks->queue[i]].server_id = 0;
}

static bool apply_counts(struct checks *checks, const char *text, size_t length)
{
    if (checks->all_asked)
        return showstat_apply(checks->farm, text, length);
    forget_asked_ids(checks);
    return showstat_update(checks->farm, text, length);
}

static void take_counts(struct checks *checks, const char *text, size_t length)
{
    if (apply_counts(checks, text, length)) {
        checks->counts.haproxy_answers++;
        note_presence(checks, true, NULL);
    } else {
        checks->counts.haproxy_failures++;
        log_warning("HAProxy's answer on %s isn't complete \"show stat\" output: the last counts "
                    "are kept",
                    checks->config->haproxy_socket);
    }
}

/* Ends the checks whose counts were asked for, but those that a part of the answers left out. */
static void complete_asked(struct checks *checks, enum haproxy_outcome outcome)
{
    size_t left = 0;

    for (size_t i = 0; i < checks->queued; i++) {
        size_t index = checks->queue[i];
        bool is_unanswered = outcome == HAPROXY_ANSWERED && !checks->all_asked &&
                             checks->farm->states[index].server_id == 0;
        if (i < checks->asked && !is_unanswered)
            complete(checks, index);
        else
            checks->queue[left++] = index;
    }
    checks->queued = left;
    checks->asked = 0;
}

static void on_counts(void *context, enum haproxy_outcome outcome, const char *text, size_t length,
                      const char *problem)
{
    struct checks *checks = context;

    switch (outcome) {
    case HAPROXY_ANSWERED:
        take_counts(checks, text, length);
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
    complete_asked(checks, outcome);
    if (checks->queued > 0)
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

static bool start_poller(struct checks *checks, struct event_base *base, long connections_max)
{
    struct poller_events events = {.result = on_poll, .missed = on_missed, .context = checks};
    bool *is_known = xcalloc(checks->farm->count, sizeof(*is_known));

    for (size_t i = 0; i < checks->farm->count; i++) {
        is_known[i] = checks->farm->states[i].checked;
        checks->was_drained[i] = checks->farm->states[i].drained;
    }
    checks->poller = poller_new(base, checks->config, is_known, connections_max, &events);
    free(is_known);
    return checks->poller != NULL;
}

struct checks *checks_new(struct event_base *base, const struct config *config, struct farm *farm,
                          long connections_max)
{
    struct checks *checks = xcalloc(1, sizeof(*checks));
    struct haproxy_events events = {.command = on_command, .result = on_counts, .context = checks};
    struct timeval every = clock_timeval(config_agent_inter_ms(config));

    checks->config = config;
    checks->farm = farm;
    checks->pending = xcalloc(farm->count, sizeof(*checks->pending));
    checks->queue = xcalloc(farm->count, sizeof(*checks->queue));
    checks->was_drained = xcalloc(farm->count, sizeof(*checks->was_drained));
    checks->haproxy = haproxy_new(base, config->haproxy_socket, farm->count, &events);
    checks->refresh = event_new(base, -1, EV_PERSIST, on_refresh, checks);
    if (checks->haproxy == NULL || checks->refresh == NULL ||
        event_add(checks->refresh, &every) != 0 || !start_poller(checks, base, connections_max)) {
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
    if (checks->refresh != NULL)
        event_free(checks->refresh);
    free(checks->pending);
    free(checks->queue);
    free(checks->was_drained);
    free(checks);
}
