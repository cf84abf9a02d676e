#include "checks/poller.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checks/instance_request.h"
#include "checks/lookup.h"
#include "checks/response.h"
#include "checks/transfers.h"
#include "clock.h"
#include "log.h"
#include "names.h"
#include "version.h"
#include "xalloc.h"

#define RECEIVE_BUFFER 4096L
/* One to an address that a name had before isn't kept for ever. */
#define CONNECTION_AGE_MAX_S 60L
/* So many moments in an interval at which checks start: one wake-up serves all of a moment. */
#define MOMENTS 128

/* One instance's health check; `easy` is there only while it is under way. */
struct check {
    struct poller *poller;
    size_t index;
    bool is_health;  /* the health request is under way, and the load's follows, if there is one */
    int64_t well_ms; /* when the last check began whose health request passed; 0: none */
    struct curl_slist *connect_to; /* where the transfer under way goes */
    size_t addresses_warned;       /* lookup_warn()'s */
    struct event *timer;
    bool is_waiting; /* due, not started yet */
    bool is_hurried; /* due at once, or as soon as the check under way has ended */
    int64_t started_ms;
    CURL *easy;
    struct response response;
};

struct poller {
    struct event_base *base;
    const struct config *config;
    struct poller_events events;
    struct lookup *lookup;
    unsigned interval_ms;
    struct transfers *transfers;
    struct check *checks;
    size_t count;
    struct curl_slist *headers; /* that each request carries */
    CURL **spare;               /* handles between two checks, `spare_count` of room for `count` */
    size_t spare_count;
};

static void release_address(struct check *check)
{
    curl_easy_setopt(check->easy, CURLOPT_CONNECT_TO, NULL);
    curl_slist_free_all(check->connect_to);
    check->connect_to = NULL;
}

static void be_due_in(struct check *check, int64_t wait_ms)
{
    struct timeval wait = clock_timeval(wait_ms);

    evtimer_add(check->timer, &wait);
}

static const struct instance_config *config_of(const struct check *check)
{
    return &check->poller->config->instances[check->index];
}

/* The end of one request. */
static void end_request(struct check *check)
{
    transfers_remove(check->poller->transfers, check->index, check->easy);
    release_address(check);
    response_release(&check->response);
}

/* The one end of every check. */
static void complete(struct check *check, const struct check_result *result)
{
    struct poller *poller = check->poller;

    end_request(check);
    poller->spare[poller->spare_count++] = check->easy;
    check->easy = NULL;
    if (check->is_hurried)
        be_due_in(check, 0);
    poller->events.result(poller->events.context, check->index, result,
                          (unsigned)(clock_ms() - check->started_ms));
}

static void begin_request(struct check *check);

/* The end of a transfer, or of a look-up that failed. */
static void take_code(struct check *check, CURLcode code)
{
    const struct instance_config *instance = config_of(check);
    struct check_result result = response_result(&check->response, check->easy, code,
                                                 check->poller->config, instance, check->is_health);

    if (check->is_health)
        check->well_ms = result.reason == CHECK_PASSED ? check->started_ms : 0;
    if (result.reason != CHECK_PASSED || !check->is_health || instance->load.url == NULL) {
        complete(check, &result);
        return;
    }
    end_request(check);
    check->is_health = false;
    begin_request(check);
}

static void on_done(CURL *easy, CURLcode code)
{
    struct check *check = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &check);
    take_code(check, code);
}

/* What all checks have in common is set once, when a handle is made. */
static CURL *new_handle(const struct poller *poller)
{
    CURL *easy = instance_request_new(poller->config);

    if (easy == NULL)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "leastjobs-agent/" LEASTJOBS_VERSION);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_AGE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, poller->headers);
    return easy;
}

static const struct request *request_of(const struct check *check)
{
    const struct instance_config *instance = config_of(check);

    return check->is_health ? &instance->health : &instance->load;
}

/* Another host than the instance's is HAProxy's business no more. */
static const char *host_of(const struct check *check)
{
    const struct request *request = request_of(check);

    return request->host != NULL ? request->host : config_of(check)->url.host;
}

/* The second half of a request's start. What the look-up took is a part of the check's time. */
static void on_address(void *context, const char *address, const char *reason)
{
    struct check *check = context;
    const struct instance_config *instance = config_of(check);
    const char *host = host_of(check);
    int64_t left =
        (int64_t)check->poller->config->check_timeout_ms - (clock_ms() - check->started_ms);

    if (address == NULL) {
        snprintf(check->response.problem, sizeof(check->response.problem), "%s", reason);
        take_code(check, CURLE_COULDNT_RESOLVE_HOST);
        return;
    }
    if (url_is_host_name(host)) {
        check->connect_to = instance_request_go_to(check->easy, address);
        /* Of another host than the instance's, one address is as good as another. */
        if (request_of(check)->host == NULL)
            lookup_warn(check->poller->lookup, instance->number, host, address,
                        &check->addresses_warned);
    }
    curl_easy_setopt(check->easy, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
    transfers_add(check->poller->transfers, check->index, check->easy);
}

static void ask_address(struct check *check)
{
    const struct poller *poller = check->poller;
    const struct poller_events *events = &poller->events;
    bool is_own = request_of(check)->host == NULL;
    const char *known =
        events->address == NULL || !is_own ? NULL : events->address(events->context, check->index);

    lookup_ask(poller->lookup, host_of(check), known, poller->config->check_timeout_ms, on_address,
               check);
}

static void begin_request(struct check *check)
{
    /* That its port takes a connection is half of what such a server says. */
    long is_fresh = config_of(check)->preset->counting == COUNTS_NOTHING;

    curl_easy_setopt(check->easy, CURLOPT_URL, request_of(check)->url);
    curl_easy_setopt(check->easy, CURLOPT_PRIVATE, check);
    curl_easy_setopt(check->easy, CURLOPT_FRESH_CONNECT, is_fresh);
    curl_easy_setopt(check->easy, CURLOPT_FORBID_REUSE, is_fresh);
    response_receive(&check->response, check->easy);
    ask_address(check);
}

/* Beside the load, the health is asked for once per interval, and until it is well again. */
static bool is_health_due(const struct check *check)
{
    const struct instance_config *instance = config_of(check);
    int64_t interval = check->poller->config->check_interval_ms;

    if (instance->health.url == NULL || instance->load.url == NULL)
        return instance->health.url != NULL;
    return check->well_ms == 0 || check->started_ms - check->well_ms >= interval - interval / 4;
}

void poller_start(struct poller *poller, size_t index)
{
    struct check *check = &poller->checks[index];

    if (!check->is_waiting || check->easy != NULL)
        return;
    check->is_waiting = false;
    check->easy =
        poller->spare_count > 0 ? poller->spare[--poller->spare_count] : new_handle(poller);
    if (check->easy == NULL) {
        log_error("instance=" INSTANCE_PREFIX "%u health check can't be started: out of memory",
                  config_of(check)->number);
        return;
    }
    check->started_ms = clock_ms();
    check->is_health = is_health_due(check);
    begin_request(check);
}

/*
 * The time until the instance's next moment, `after_ms` from now or later: its place among the
 * moments into which the clock's intervals are divided. Many instances share a moment, a few each.
 */
static int64_t next_moment(const struct check *check, int64_t after_ms)
{
    const struct poller *poller = check->poller;
    int64_t interval = poller->interval_ms;
    size_t moments = poller->count < MOMENTS ? poller->count : MOMENTS;
    int64_t place = (int64_t)(moments * check->index / poller->count) * interval / (int64_t)moments;
    int64_t past = (clock_ms() + after_ms - place) % interval;

    return after_ms + (past == 0 ? 0 : interval - past);
}

static void on_due(evutil_socket_t fd, short what, void *argument)
{
    struct check *check = argument;
    struct poller *poller = check->poller;

    (void)fd;
    (void)what;
    /* Of two moments that are nearer to each other than half an interval one is left out. */
    be_due_in(check, next_moment(check, (poller->interval_ms + 1) / 2));
    if (check->easy != NULL || check->is_waiting) {
        poller->events.missed(poller->events.context, check->index);
        return;
    }
    check->is_waiting = true;
    check->is_hurried = false;
    poller->events.due(poller->events.context, check->index);
}

/* Its moment by an interval that has become shorter: at once if it is late. */
static int64_t sooner_moment(const struct check *check)
{
    int64_t interval = check->poller->interval_ms;

    if (check->easy != NULL || check->is_waiting)
        return next_moment(check, (interval + 1) / 2);
    if (check->is_hurried)
        return 0;
    return clock_ms() - check->started_ms >= interval ? 0 : next_moment(check, 0);
}

void poller_set_interval(struct poller *poller, unsigned interval_ms)
{
    bool is_shorter = interval_ms < poller->interval_ms;

    poller->interval_ms = interval_ms;
    for (size_t i = 0; is_shorter && i < poller->count; i++)
        be_due_in(&poller->checks[i], sooner_moment(&poller->checks[i]));
}

void poller_due_in(struct poller *poller, size_t index, int64_t wait_ms)
{
    struct check *check = &poller->checks[index];
    struct timeval step = clock_timeval(wait_ms);
    struct timeval due, soon;

    if (check->easy != NULL || check->is_waiting)
        return;
    event_base_gettimeofday_cached(poller->base, &soon);
    evutil_timeradd(&soon, &step, &soon);
    if (!evtimer_pending(check->timer, &due) || clock_is_before(&soon, &due))
        be_due_in(check, wait_ms);
}

bool poller_is_due(const struct poller *poller, size_t index)
{
    const struct check *check = &poller->checks[index];

    return check->easy != NULL || check->is_waiting || check->is_hurried;
}

void poller_hurry(struct poller *poller)
{
    for (size_t i = 0; i < poller->count; i++) {
        struct check *check = &poller->checks[i];
        if (check->is_waiting)
            continue;
        check->is_hurried = true;
        if (check->easy == NULL)
            be_due_in(check, 0);
    }
}

static bool add_check(struct poller *poller, size_t index, bool is_now)
{
    struct check *check = &poller->checks[index];

    *check = (struct check){.poller = poller, .index = index, .started_ms = clock_ms()};
    check->timer = evtimer_new(poller->base, on_due, check);
    if (check->timer == NULL)
        return false;
    be_due_in(check, is_now ? 0 : next_moment(check, 0));
    return true;
}

static struct curl_slist *make_headers(const struct config *config)
{
    struct curl_slist *headers = NULL;

    for (size_t i = 0; i < config->health_header_count; i++)
        headers = curl_slist_append(headers, config->health_headers[i]);
    return headers;
}

static bool add_checks(struct poller *poller, const bool *is_now)
{
    for (size_t i = 0; i < poller->count; i++) {
        if (!add_check(poller, i, is_now[i]))
            return false;
    }
    return true;
}

struct poller *poller_new(struct event_base *base, const struct config *config, const bool *is_now,
                          unsigned interval_ms, long connections_max,
                          const struct poller_events *events)
{
    struct poller *poller = xcalloc(1, sizeof(*poller));

    poller->base = base;
    poller->config = config;
    poller->events = *events;
    poller->interval_ms = interval_ms;
    poller->count = config->instance_count;
    poller->checks = xcalloc(poller->count, sizeof(*poller->checks));
    poller->spare = xcalloc(poller->count, sizeof(CURL *));
    poller->headers = make_headers(config);
    poller->lookup = lookup_new(base);
    poller->transfers = transfers_new(base, poller->count, connections_max, on_done);
    if (poller->lookup == NULL || poller->transfers == NULL || !add_checks(poller, is_now)) {
        poller_free(poller);
        return NULL;
    }
    return poller;
}

static void free_check(struct check *check)
{
    if (check->easy != NULL) {
        transfers_remove(check->poller->transfers, check->index, check->easy);
        release_address(check);
        curl_easy_cleanup(check->easy);
    }
    if (check->timer != NULL)
        event_free(check->timer);
    response_release(&check->response);
}

void poller_free(struct poller *poller)
{
    if (poller == NULL)
        return;
    /* Look-ups first: checks wait for their answers. Then the handles, then what they are in. */
    lookup_free(poller->lookup);
    for (size_t i = 0; i < poller->count; i++)
        free_check(&poller->checks[i]);
    for (size_t i = 0; i < poller->spare_count; i++)
        curl_easy_cleanup(poller->spare[i]);
    transfers_free(poller->transfers);
    curl_slist_free_all(poller->headers);
    free(poller->checks);
    free(poller->spare);
    free(poller);
}
