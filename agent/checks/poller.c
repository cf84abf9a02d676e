#include "checks/poller.h"

#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checks/lookup.h"
#include "checks/request.h"
#include "checks/transfers.h"
#include "clock.h"
#include "log.h"
#include "version.h"
#include "xalloc.h"

#define BODY_FIRST_SIZE 1024
#define RECEIVE_BUFFER 4096L
/* One to an address that a name had before isn't kept for ever. */
#define CONNECTION_AGE_MAX_S 60L
/* So many moments in an interval at which checks start: one wake-up serves all of a moment. */
#define MOMENTS 128

/* One instance's health check; `easy` is there only while it is under way. */
struct check {
    struct poller *poller;
    size_t index;
    char *url;
    struct curl_slist *connect_to; /* where the transfer under way goes */
    size_t addresses_warned;       /* lookup_warn()'s */
    struct event *timer;
    bool is_waiting; /* due, not started yet */
    bool is_hurried; /* due at once, or as soon as the check under way has ended */
    int64_t started_ms;
    CURL *easy;
    char *body;
    size_t length;
    size_t size;
    bool too_large;
    char problem[CURL_ERROR_SIZE];
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
    CURL **spare; /* handles between two checks, `spare_count` of room for `count` */
    size_t spare_count;
};

static size_t on_body(char *data, size_t unit, size_t count, void *argument)
{
    struct check *check = argument;
    size_t length = unit * count;

    if (length > CHECK_BODY_MAX - check->length) {
        check->too_large = true;
        return 0;
    }
    if (check->length + length > check->size) {
        size_t size = check->size == 0 ? BODY_FIRST_SIZE : check->size;
        while (size < check->length + length)
            size *= 2;
        check->body = xreallocarray(check->body, size, 1);
        check->size = size;
    }
    memcpy(check->body + check->length, data, length);
    check->length += length;
    return length;
}

static struct check_result result_from_status(struct check *check)
{
    const struct instance_config *instance = &check->poller->config->instances[check->index];
    long status = 0;
    char *location = NULL;

    curl_easy_getinfo(check->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(check->easy, CURLINFO_REDIRECT_URL, &location);
    if (status >= 300 && status < 400)
        return check_result_failed(CHECK_REDIRECT, "%ld to %s", status,
                                   location == NULL ? "nowhere" : location);
    if (status < 200 || status >= 300)
        return check_result_failed(CHECK_HTTP_STATUS, "%ld", status);
    return check_result_from_body(instance->source, instance->locator,
                                  check->body == NULL ? "" : check->body, check->length);
}

static struct check_result result_from_code(struct check *check, CURLcode code)
{
    const char *problem = check->problem[0] == '\0' ? curl_easy_strerror(code) : check->problem;

    switch (code) {
    case CURLE_OK:
        return result_from_status(check);
    case CURLE_OPERATION_TIMEDOUT:
        return check_result_failed(CHECK_TIMED_OUT, "no complete response within %u ms",
                                   check->poller->config->check_timeout_ms);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return check_result_failed(CHECK_CONNECTION_FAILED, "%s", problem);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
        return check_result_failed(CHECK_TLS_FAILED, "%s", problem);
    default:
        if (check->too_large)
            return check_result_failed(CHECK_BODY_TOO_LARGE, "more than %d bytes", CHECK_BODY_MAX);
        return check_result_failed(CHECK_BROKEN_RESPONSE, "%s", problem);
    }
}

static void release_body(struct check *check)
{
    free(check->body);
    check->body = NULL;
    check->length = check->size = 0;
    check->too_large = false;
    check->problem[0] = '\0';
}

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

/* The one end of every check. */
static void complete(struct check *check, CURLcode code)
{
    struct poller *poller = check->poller;
    struct check_result result = result_from_code(check, code);

    transfers_remove(check->poller->transfers, check->index, check->easy);
    release_address(check);
    poller->spare[poller->spare_count++] = check->easy;
    check->easy = NULL;
    release_body(check);
    if (check->is_hurried)
        be_due_in(check, 0);
    poller->events.result(poller->events.context, check->index, &result,
                          (unsigned)(clock_ms() - check->started_ms));
}

static void on_done(CURL *easy, CURLcode code)
{
    struct check *check = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &check);
    complete(check, code);
}

/* What all checks have in common is set once, when a handle is made. */
static CURL *new_handle(const struct poller *poller)
{
    CURL *easy = request_new(poller->config);

    if (easy == NULL)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "leastjobs-agent/" LEASTJOBS_VERSION);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_AGE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    return easy;
}

/* The second half of a check's start. What the look-up took is a part of the check's time. */
static void on_address(void *context, const char *address, const char *reason)
{
    struct check *check = context;
    const struct config *config = check->poller->config;
    const struct instance_config *instance = &config->instances[check->index];
    int64_t left = (int64_t)config->check_timeout_ms - (clock_ms() - check->started_ms);

    if (address == NULL) {
        snprintf(check->problem, sizeof(check->problem), "%s", reason);
        complete(check, CURLE_COULDNT_RESOLVE_HOST);
        return;
    }
    if (instance->url.host_kind == URL_HOST_NAME) {
        check->connect_to = request_go_to(check->easy, address);
        lookup_warn(check->poller->lookup, instance->number, instance->url.host, address,
                    &check->addresses_warned);
    }
    curl_easy_setopt(check->easy, CURLOPT_TIMEOUT_MS, left > 0 ? (long)left : 1L);
    transfers_add(check->poller->transfers, check->index, check->easy);
}

static void ask_address(struct check *check)
{
    const struct poller *poller = check->poller;
    const struct poller_events *events = &poller->events;
    const char *known =
        events->address == NULL ? NULL : events->address(events->context, check->index);

    lookup_ask(poller->lookup, poller->config->instances[check->index].url.host, known,
               poller->config->check_timeout_ms, on_address, check);
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
        log_error("health check of %s can't be started: out of memory", check->url);
        return;
    }
    check->started_ms = clock_ms();
    curl_easy_setopt(check->easy, CURLOPT_URL, check->url);
    curl_easy_setopt(check->easy, CURLOPT_PRIVATE, check);
    curl_easy_setopt(check->easy, CURLOPT_WRITEDATA, check);
    curl_easy_setopt(check->easy, CURLOPT_ERRORBUFFER, check->problem);
    ask_address(check);
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
    const struct config *config = poller->config;

    *check = (struct check){.poller = poller, .index = index, .started_ms = clock_ms()};
    check->url = xasprintf("%s%s", config->instances[index].url.text, config->health_path);
    check->timer = evtimer_new(poller->base, on_due, check);
    if (check->timer == NULL)
        return false;
    be_due_in(check, is_now ? 0 : next_moment(check, 0));
    return true;
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
    release_body(check);
    free(check->url);
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
    free(poller->checks);
    free(poller->spare);
    free(poller);
}
