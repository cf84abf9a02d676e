#include "haproxy/exchange.h"

#include <stdlib.h>

#include "capacity.h"
#include "clock.h"
#include "haproxy/answer.h"
#include "haproxy/drains.h"
#include "haproxy/haproxy.h"
#include "haproxy/owners.h"
#include "haproxy/presence.h"
#include "haproxy/statefile.h"
#include "haproxy/teller.h"
#include "instances/instance_log.h"
#include "log.h"
#include "names.h"
#include "xalloc.h"

/* Servers only (4): all of them (-1), or one. */
#define ASK_ALL "show stat " BACKEND_NAME " 4 -1"
#define ASK_ONE "show stat " BACKEND_NAME " 4 %u"
#define ASK_SERVERS "show servers state " BACKEND_NAME
#define ASK_TABLE "show table "
#define ASK_ENTRY "show table " TABLE_JOBS " key %u"
/* With more of them to ask about, one answer of all is cheaper. */
#define ASKED_ALONE_MAX 64U

/*
 * All counts are asked for so often, but by a HAProxy with many servers not for more than a
 * fiftieth of its time, as long as a second is enough for that.
 */
#define REFRESH_MIN_MS 250
#define REFRESH_MAX_MS 1000
#define REFRESH_FACTOR 50

struct exchange {
    const struct config *config;
    struct farm *farm;
    struct exchange_events events;
    struct haproxy *haproxy;
    struct statefile *statefile;
    struct drains *drains;
    struct event *refresh;
    struct presence presence;
    struct teller teller;
    struct owners owners;
    uint64_t processes;
    bool *is_wanted; /* one for each instance: it is in the queue */
    size_t *queue;   /* indices of those whose counts are wanted, in the order of their coming */
    size_t queued;
    size_t asked;     /* the first so many came before the query under way began */
    bool all_wanted;  /* the next query is for all servers, whatever waits */
    bool all_asked;   /* the one under way is */
    int64_t asked_ms; /* when it began */
    int64_t took_ms;  /* the last whole answer */
};

/*
 * A HAProxy that isn't there has nothing in flight. What an operator said stands: the next process
 * has it from the state file, and must not be told otherwise by its first agent-checks.
 */
static void forget_counts(struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        farm->instances[i].in_flight = 0;
        farm->instances[i].address[0] = '\0';
        farm->instances[i].weighs_nothing = false;
    }
}

static bool may_ask_alone(const struct exchange *exchange)
{
    if (exchange->all_wanted || exchange->queued > ASKED_ALONE_MAX)
        return false;
    for (size_t i = 0; i < exchange->queued; i++) {
        if (exchange->farm->instances[exchange->queue[i]].server_id == 0)
            return false;
    }
    return true;
}

static void ask_all(struct exchange *exchange)
{
    haproxy_say(exchange->haproxy, ASK_ALL);
    haproxy_say(exchange->haproxy, ASK_SERVERS);
    haproxy_say(exchange->haproxy, ASK_TABLE TABLE_JOBS);
    haproxy_say(exchange->haproxy, ASK_TABLE TABLE_FAILED);
    if (capacity_is_told(exchange->config))
        haproxy_say(exchange->haproxy, ASK_TABLE TABLE_CAPACITIES);
}

static void ask_some(struct exchange *exchange)
{
    haproxy_say(exchange->haproxy, ASK_ENTRY, TABLE_MARK_KEY);
    for (size_t i = 0; i < exchange->asked; i++) {
        const struct instance *instance = &exchange->farm->instances[exchange->queue[i]];
        haproxy_say(exchange->haproxy, ASK_ONE, instance->server_id);
        haproxy_say(exchange->haproxy, ASK_ENTRY, instance->number);
    }
}

static void on_ask(void *context)
{
    struct exchange *exchange = context;

    exchange->all_asked = !may_ask_alone(exchange);
    exchange->all_wanted = false;
    exchange->asked = exchange->queued;
    exchange->asked_ms = clock_ms();
    if (exchange->all_asked)
        ask_all(exchange);
    else
        ask_some(exchange);
}

/*
 * What was open in the old process, or accepted by it, is external to the new one, and its
 * table is empty.
 */
static void meet_process(struct exchange *exchange)
{
    struct farm *farm = exchange->farm;
    bool is_first = farm->process_ms == 0;

    exchange->processes++;
    for (size_t i = 0; i < farm->count; i++)
        instance_inherit(&farm->instances[i]);
    exchange->teller.is_new = true;
    farm->is_inherited = !is_first;
    farm->process_ms = clock_ms();
    log_info("HAProxy on %s is a %s: every instance is asked at once",
             exchange->config->haproxy_socket,
             is_first ? "process that this agent hasn't met" : "new process");
    exchange->events.process_met(exchange->events.context);
}

static bool has_our_mark(const struct exchange *exchange, const struct answer *answer)
{
    return answer->has_mark && answer->mark == exchange->farm->mark;
}

/* Ids may be of a HAProxy that has been reloaded since, and a drain needs the whole answer. */
static bool apply_some(struct exchange *exchange, const struct answer *answer)
{
    if (exchange->teller.has_table && !has_our_mark(exchange, answer))
        return false;
    for (size_t i = 0; i < exchange->asked; i++)
        exchange->farm->instances[exchange->queue[i]].server_id = 0;
    bool is_good = answer_apply(exchange->farm, answer, ANSWER_SOME);
    drains_restore(exchange->drains);
    /* Without servers in question there is something to tell. */
    return is_good || exchange->asked == 0;
}

static void see_counters(struct farm *farm, struct instance *instance, const struct moment *now)
{
    unsigned before = server_errors_penalty(&instance->errors);
    struct tally_news news = instance_see_counters(instance, now->monotonic_ms);

    failures_note_jobs(&farm->failures, instance->number, &news, &now->wall);
    instance_log_errors(instance, before);
}

/* Most of the time no server is drained, and the file says so. */
static void update_statefile(struct exchange *exchange, const struct answer *answer)
{
    if (!answer->has_servers ||
        (statefile_is_empty(exchange->statefile) && !farm_has_withdrawn(exchange->farm)))
        return;
    statefile_update(exchange->statefile, answer->servers.text, answer->servers.length);
}

static bool apply_all(struct exchange *exchange, const struct answer *answer)
{
    struct farm *farm = exchange->farm;
    struct moment now = clock_now();

    exchange->teller.has_table = answer->has_jobs;
    if (answer->has_stat && answer->has_jobs && !has_our_mark(exchange, answer))
        meet_process(exchange);
    bool is_good = answer_apply(farm, answer, ANSWER_ALL);
    /* What was accepted before this agent came, no report tells it apart. */
    for (size_t i = 0; i < farm->count; i++) {
        see_counters(farm, &farm->instances[i], &now);
        if (farm->instances[i].passed == 0)
            farm->instances[i].reported = farm->instances[i].acceptances;
    }
    update_statefile(exchange, answer);
    return is_good;
}

static void take_counts(struct exchange *exchange, const char *text, size_t length)
{
    struct answer answer = answer_look(text, length);
    bool is_good =
        exchange->all_asked ? apply_all(exchange, &answer) : apply_some(exchange, &answer);

    if (is_good) {
        presence_answered(&exchange->presence);
        if (exchange->all_asked)
            exchange->events.all_counted(exchange->events.context);
    } else if (exchange->all_asked) {
        presence_failed(&exchange->presence, "it shows no backend " BACKEND_NAME);
    } else {
        /* Another process than the one that we know: only a whole answer tells enough of it. */
        exchange->all_wanted = true;
    }
}

/* Goes on with those that waited for counts, but those that a part of the answers left out. */
static void serve_asked(struct exchange *exchange, bool is_answered)
{
    size_t asked = exchange->asked;
    size_t left = 0;

    exchange->asked = 0;
    for (size_t i = 0; i < exchange->queued; i++) {
        size_t index = exchange->queue[i];
        bool is_unanswered =
            is_answered && !exchange->all_asked && exchange->farm->instances[index].server_id == 0;
        if (i >= asked || is_unanswered) {
            exchange->queue[left++] = index;
            continue;
        }
        exchange->is_wanted[index] = false;
        exchange->events.counted(exchange->events.context, index);
    }
    exchange->queued = left;
}

/* Of the last two answers the shorter: one may have waited for others' work, not for HAProxy's. */
static int64_t answer_cost_ms(struct exchange *exchange)
{
    int64_t took_ms = clock_ms() - exchange->asked_ms;
    int64_t cost_ms = took_ms < exchange->took_ms ? took_ms : exchange->took_ms;

    exchange->took_ms = took_ms;
    return cost_ms;
}

static void plan_refresh(struct exchange *exchange)
{
    int64_t wait_ms = REFRESH_FACTOR * answer_cost_ms(exchange);

    if (wait_ms < REFRESH_MIN_MS)
        wait_ms = REFRESH_MIN_MS;
    if (wait_ms > REFRESH_MAX_MS)
        wait_ms = REFRESH_MAX_MS;
    if (wait_ms > config_agent_inter_ms(exchange->config))
        wait_ms = config_agent_inter_ms(exchange->config);
    struct timeval wait = clock_timeval(wait_ms);
    evtimer_add(exchange->refresh, &wait);
}

static void on_result(void *context, enum haproxy_outcome outcome, char *text, size_t length,
                      const char *problem)
{
    struct exchange *exchange = context;
    bool is_known = true;

    switch (outcome) {
    case HAPROXY_ANSWERED:
        take_counts(exchange, text, length);
        is_known = !exchange->all_wanted || exchange->all_asked;
        break;
    case HAPROXY_ABSENT:
        forget_counts(exchange->farm);
        presence_absent(&exchange->presence, problem);
        break;
    case HAPROXY_FAILED:
        presence_failed(&exchange->presence, problem);
        break;
    }
    drains_note(exchange->drains);
    if (is_known)
        serve_asked(exchange, outcome == HAPROXY_ANSWERED);
    else
        exchange->asked = 0;
    if (outcome == HAPROXY_ANSWERED && is_known) {
        teller_tell(&exchange->teller, exchange->all_asked);
        owners_tell(&exchange->owners, exchange->haproxy);
    }
    if (exchange->all_asked)
        plan_refresh(exchange);
    if (exchange->queued > 0 || exchange->all_wanted)
        haproxy_query(exchange->haproxy);
}

/* Between polls too: a drain takes effect, and GET /health shows what is in flight. */
static void on_refresh(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    exchange_start(argument);
}

/*
 * Until a HAProxy is met. The first agent-checks of one that starts come before it is: they would
 * take the weight 0 from a drained server that it has from its state file.
 */
static void recall_drains(struct exchange *exchange)
{
    if (exchange->farm->process_ms != 0)
        return;
    statefile_recall(exchange->statefile, exchange->farm);
    drains_note(exchange->drains);
}

struct exchange *exchange_new(struct event_base *base, const struct config *config,
                              struct farm *farm, const struct exchange_events *events)
{
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));
    struct haproxy_events asks = {.ask = on_ask, .result = on_result, .context = exchange};

    exchange->config = config;
    exchange->farm = farm;
    exchange->events = *events;
    exchange->presence.socket = config->haproxy_socket;
    exchange->is_wanted = xcalloc(farm->count, sizeof(*exchange->is_wanted));
    exchange->queue = xcalloc(farm->count, sizeof(*exchange->queue));
    exchange->drains = drains_new(farm);
    exchange->statefile = statefile_new(config);
    recall_drains(exchange);
    exchange->haproxy = haproxy_new(base, config->haproxy_socket, farm->count, &asks);
    exchange->teller = (struct teller){.farm = farm, .haproxy = exchange->haproxy};
    exchange->refresh = evtimer_new(base, on_refresh, exchange);
    if (exchange->haproxy == NULL || exchange->refresh == NULL) {
        exchange_free(exchange);
        return NULL;
    }
    return exchange;
}

void exchange_start(struct exchange *exchange)
{
    exchange->all_wanted = true;
    haproxy_query(exchange->haproxy);
}

void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    haproxy_free(exchange->haproxy);
    statefile_free(exchange->statefile);
    drains_free(exchange->drains);
    if (exchange->refresh != NULL)
        event_free(exchange->refresh);
    free(exchange->is_wanted);
    free(exchange->queue);
    free(exchange);
}

void exchange_want(struct exchange *exchange, size_t index)
{
    if (!exchange->is_wanted[index])
        exchange->queue[exchange->queued++] = index;
    exchange->is_wanted[index] = true;
    haproxy_query(exchange->haproxy);
}

void exchange_tell_owner(struct exchange *exchange, const unsigned char *id, size_t length,
                         unsigned number)
{
    owners_add(&exchange->owners, id, length, number);
    haproxy_query(exchange->haproxy);
}

struct exchange_counts exchange_counts(const struct exchange *exchange)
{
    return (struct exchange_counts){.answers = exchange->presence.answers,
                                    .failures = exchange->presence.failures,
                                    .processes = exchange->processes,
                                    .is_present = exchange->presence.is_present};
}

const struct presence *exchange_presence(const struct exchange *exchange)
{
    return &exchange->presence;
}
