#include <curl/curl.h>
#include <netdb.h>
#include <pthread.h>
#include <time.h>

#include "checks/poller.h"
#include "fake_instance.h"
#include "farm_helper.h"

#define INSTANCES_AT_MOST 4
#define INTERVAL_MS 2000
#define TIMEOUT_MS 5000
#define HUNG "hung.test"
#define HUNG_MAX_S 3

/* The poller, its instances, and all that it has said of them. */
struct bench {
    struct poller *poller;
    struct config *config;
    struct fake_instance instances[INSTANCES_AT_MOST];
    size_t count;
    bool is_lazy; /* leaves what is due alone */
    unsigned due[INSTANCES_AT_MOST];
    int64_t due_ms[INSTANCES_AT_MOST][64];
    unsigned results[INSTANCES_AT_MOST];
    unsigned missed[INSTANCES_AT_MOST];
    struct check_result result; /* the last */
    unsigned took_ms;
    int64_t result_ms;
};

static pthread_mutex_t resolver_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t resolver_freed = PTHREAD_COND_INITIALIZER;
static bool resolver_hangs;
static unsigned resolver_waiting;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's have underscores. */

/* In libcurl's place of libc's: one name takes as long as the test wants, or HUNG_MAX_S. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    struct timespec end;

    (void)service;
    (void)hints;
    (void)result;
    if (name == NULL || strcmp(name, HUNG) != 0)
        return EAI_NONAME;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += HUNG_MAX_S;
    pthread_mutex_lock(&resolver_lock);
    resolver_waiting++;
    while (resolver_hangs && pthread_cond_timedwait(&resolver_freed, &resolver_lock, &end) == 0)
        ;
    resolver_waiting--;
    pthread_cond_broadcast(&resolver_freed);
    pthread_mutex_unlock(&resolver_lock);
    return EAI_NONAME;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void on_due(void *context, size_t index)
{
    struct bench *bench = context;

    if (bench->due[index] < COUNT(bench->due_ms[index]))
        bench->due_ms[index][bench->due[index]] = clock_ms();
    bench->due[index]++;
    if (!bench->is_lazy)
        poller_start(bench->poller, index);
}

static void on_result(void *context, size_t index, const struct check_result *result,
                      unsigned took_ms)
{
    struct bench *bench = context;

    bench->results[index]++;
    bench->result = *result;
    bench->took_ms = took_ms;
    bench->result_ms = clock_ms();
}

static void on_missed(void *context, size_t index)
{
    struct bench *bench = context;

    bench->missed[index]++;
}

static void start_poller(struct bench *bench, bool is_now, long connections_max)
{
    struct poller_events events = {
        .due = on_due, .result = on_result, .missed = on_missed, .context = bench};
    bool now[INSTANCES_AT_MOST];

    for (size_t i = 0; i < bench->count; i++)
        now[i] = is_now;
    bench->poller = poller_new(loop, bench->config, now, bench->config->check_interval_ms,
                               connections_max, &events);
    assert_non_null(bench->poller);
}

/* With these URLs, or those of instances of its own. */
static struct bench *new_bench(size_t count, const char *url)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    char texts[INSTANCES_AT_MOST][128];
    const char *settings[INSTANCES_AT_MOST + 2] = {"HEALTH_CHECK_INTERVAL=2"};

    bench->count = count;
    for (size_t i = 0; i < count; i++) {
        fake_instance_start(&bench->instances[i]);
        snprintf(texts[i], sizeof(texts[i]), "INSTANCE_%zu_URL=%s", i + 1,
                 url == NULL ? bench->instances[i].url : url);
        settings[i + 1] = texts[i];
    }
    bench->config = config_of(settings);
    assert_int_equal(bench->config->check_interval_ms, INTERVAL_MS);
    assert_int_equal(bench->config->check_timeout_ms, TIMEOUT_MS);
    return bench;
}

static void free_bench(struct bench *bench)
{
    poller_free(bench->poller);
    for (size_t i = 0; i < bench->count; i++)
        fake_instance_stop(&bench->instances[i]);
    config_free(bench->config);
    free(bench);
}

static void assert_fails(struct bench *bench, enum check_reason reason, const char *detail)
{
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    if (bench->result.reason != reason)
        fail_msg("\"%s: %s\" instead of \"%s\"", check_reason_text(bench->result.reason),
                 bench->result.detail, check_reason_text(reason));
    assert_contains(bench->result.detail, detail);
    free_bench(bench);
}

static void a_check_asks_the_health_path_and_brings_the_count(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    bench->instances[0].jobs = 17;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    assert_int_equal(bench->result.active_jobs, 17);
    assert_string_equal(bench->instances[0].path, "/health");
    assert_contains(bench->instances[0].user_agent, "leastjobs-agent/");
    free_bench(bench);
}

static void nothing_is_asked_until_the_check_is_started(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    bench->is_lazy = true;
    start_poller(bench, true, 0);
    poller_start(bench->poller, 0); /* not due yet */
    loop_for(3 * INTERVAL_MS);
    assert_int_equal(bench->due[0], 1);
    assert_int_equal(bench->missed[0], 3);
    assert_int_equal(bench->instances[0].requests, 0);
    poller_start(bench->poller, 0);
    poller_start(bench->poller, 0);
    await(bench->results[0] == 1);
    loop_for(10);
    assert_int_equal(bench->instances[0].requests, 1);
    free_bench(bench);
}

static void a_check_takes_from_its_start_to_its_end(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    bench->instances[0].answers_after_ms = 300;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_in_range(bench->took_ms, 300, 500);
    free_bench(bench);
}

/* Whatever an answer takes, the moments stay where they are. */
static void checks_do_not_drift(void **state)
{
    struct bench *bench = new_bench(3, NULL);

    (void)state;
    start_poller(bench, true, 0);
    for (size_t i = 0; i < bench->count; i++)
        bench->instances[i].answers_after_ms = 37 * (unsigned)(i + 1);
    await(bench->due[0] == 12 && bench->due[1] >= 11 && bench->due[2] >= 11);
    for (size_t i = 0; i < bench->count; i++) {
        for (size_t n = 2; n < 11; n++)
            assert_int_equal(bench->due_ms[i][n] - bench->due_ms[i][n - 1], INTERVAL_MS);
    }
    free_bench(bench);
}

static void checks_are_spread_over_the_interval(void **state)
{
    struct bench *bench = new_bench(4, NULL);

    (void)state;
    start_poller(bench, false, 0);
    await(bench->due[0] > 0 && bench->due[1] > 0 && bench->due[2] > 0 && bench->due[3] > 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bench->due_ms[i][0] % INTERVAL_MS, INTERVAL_MS / 4 * (int64_t)i);
    free_bench(bench);
}

static void a_new_poller_goes_on_with_the_pace(void **state)
{
    struct bench *bench = new_bench(3, NULL);

    (void)state;
    start_poller(bench, false, 0);
    await(bench->due[2] == 1);
    int64_t first_ms = bench->due_ms[2][0];
    loop_for(777);
    poller_free(bench->poller);
    start_poller(bench, false, 0);
    await(bench->due[2] == 2);
    assert_int_equal(bench->due_ms[2][1] - first_ms, INTERVAL_MS);
    free_bench(bench);
}

/* But not twice within half an interval. */
static void after_a_check_at_once_the_next_moment_counts(void **state)
{
    (void)state;
    for (int64_t offset = 0; offset < INTERVAL_MS; offset += 199) {
        struct bench *bench = new_bench(1, NULL);
        loop_for(INTERVAL_MS - clock_ms() % INTERVAL_MS + offset);
        start_poller(bench, true, 0);
        await(bench->due[0] == 2);
        assert_int_equal(bench->due_ms[0][1] % INTERVAL_MS, 0);
        assert_in_range(bench->due_ms[0][1] - bench->due_ms[0][0], INTERVAL_MS / 2,
                        INTERVAL_MS / 2 * 3);
        free_bench(bench);
    }
}

static void one_request_at_a_time_and_the_rest_is_missed(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    bench->instances[0].is_holding = true;
    start_poller(bench, true, 0);
    loop_for(2 * INTERVAL_MS);
    assert_int_equal(bench->instances[0].requests, 1);
    assert_int_equal(bench->due[0], 1);
    assert_in_range(bench->missed[0], 1, 2);
    bench->instances[0].is_holding = false;
    fake_instance_let_go(&bench->instances[0]);
    await(bench->results[0] == 2);
    assert_int_equal(bench->instances[0].open_max, 1);
    free_bench(bench);
}

/* CHECK_TIMEOUT, not the interval, which is shorter here. */
static void a_check_times_out_by_its_own_limit(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    bench->instances[0].is_holding = true;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_int_equal(bench->result.reason, CHECK_TIMED_OUT);
    assert_string_equal(bench->result.detail, "no complete response within 5000 ms");
    assert_in_range(bench->took_ms, TIMEOUT_MS, TIMEOUT_MS + 100);
    bench->instances[0].held_count = 0; /* evhttp has closed them */
    free_bench(bench);
}

static void what_went_wrong_is_told_apart(void **state)
{
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", unused_port());
    assert_fails(new_bench(1, url), CHECK_CONNECTION_FAILED, "connect");
    assert_fails(new_bench(1, "http://no.such.name.test"), CHECK_CONNECTION_FAILED, "resolve");

    struct bench *bench = new_bench(1, NULL);
    bench->instances[0].status = 503;
    assert_fails(bench, CHECK_HTTP_STATUS, "503");
    bench = new_bench(1, NULL);
    bench->instances[0].body = "fine";
    assert_fails(bench, CHECK_NOT_JSON, "fine");
    bench = new_bench(1, NULL);
    bench->instances[0].body = "{}";
    assert_fails(bench, CHECK_NO_JOB_COUNT, "");
    bench = new_bench(1, NULL);
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", bench->instances[0].port);
    free_bench(bench);
}

static void plain_http_where_tls_is_expected_is_a_tls_failure(void **state)
{
    struct bench *bench = new_bench(1, NULL);
    struct bench *client;
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "https://127.0.0.1:%u", bench->instances[0].port);
    client = new_bench(1, url);
    assert_fails(client, CHECK_TLS_FAILED, "");
    free_bench(bench);
}

static void a_redirect_is_not_followed(void **state)
{
    struct bench *bench = new_bench(2, NULL);
    char location[128];

    (void)state;
    snprintf(location, sizeof(location), "%s/health", bench->instances[1].url);
    bench->instances[0].status = 302;
    bench->instances[0].location = location;
    bench->count = 2;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1 && bench->results[1] == 1);
    loop_for(100);
    assert_int_equal(bench->instances[0].requests, 1);
    assert_int_equal(bench->instances[1].requests, 1); /* its own check's */
    free_bench(bench);

    bench = new_bench(1, NULL);
    bench->instances[0].status = 302;
    bench->instances[0].location = location;
    assert_fails(bench, CHECK_REDIRECT, location);
}

static void a_body_may_have_a_mebibyte_and_not_a_byte_more(void **state)
{
    struct bench *bench = new_bench(1, NULL);
    size_t length = strlen("{\"active_jobs\":0}");

    (void)state;
    bench->config->check_timeout_ms = AWAIT_MAX_MS; /* such a body comes by the machine's time */
    bench->instances[0].filler_bytes = CHECK_BODY_MAX - length;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    bench->instances[0].filler_bytes++;
    await(bench->results[0] == 2);
    assert_int_equal(bench->result.reason, CHECK_BODY_TOO_LARGE);
    bench->instances[0].filler_bytes = 0;
    await(bench->results[0] == 3);
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    free_bench(bench);
}

static void a_proxy_of_the_environment_is_not_used(void **state)
{
    struct bench *bench = new_bench(1, NULL);
    char proxy[64];

    (void)state;
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", unused_port());
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    free_bench(bench);
}

static void connections_are_kept(void **state)
{
    struct bench *bench = new_bench(2, NULL);

    (void)state;
    start_poller(bench, true, 0);
    await(bench->results[0] == 8 && bench->results[1] >= 7);
    assert_int_equal(bench->instances[0].connections, 1);
    assert_int_equal(bench->instances[1].connections, 1);
    free_bench(bench);
}

static void connections_are_bounded(void **state)
{
    struct bench *bench = new_bench(3, NULL);

    (void)state;
    for (size_t i = 0; i < bench->count; i++)
        bench->instances[i].is_holding = true;
    start_poller(bench, true, 1);
    loop_for(100);
    assert_int_equal(bench->instances[0].open + bench->instances[1].open + bench->instances[2].open,
                     1);
    for (size_t i = 0; i < bench->count; i++) {
        bench->instances[i].is_holding = false;
        fake_instance_let_go(&bench->instances[i]);
    }
    await(bench->results[0] > 0 && bench->results[1] > 0 && bench->results[2] > 0);
    free_bench(bench);
}

/* Each is checked within the new interval, wherever the old one had left it. */
static void assert_fast(struct bench *bench, unsigned interval_ms)
{
    unsigned before[INSTANCES_AT_MOST];
    int64_t now_ms = clock_ms();

    memcpy(before, bench->due, sizeof(before));
    loop_for(10 * (int64_t)interval_ms);
    for (size_t i = 0; i < bench->count; i++) {
        assert_in_range(bench->due[i] - before[i], 9, 11);
        assert_in_range(bench->due_ms[i][before[i]] - now_ms, 0, interval_ms + interval_ms / 2);
        for (size_t n = before[i] + 1; n < bench->due[i]; n++)
            assert_in_range(bench->due_ms[i][n] - bench->due_ms[i][n - 1], interval_ms / 2,
                            interval_ms + interval_ms / 2);
    }
}

static void a_shorter_interval_counts_at_once(void **state)
{
    struct bench *bench = new_bench(4, NULL);

    (void)state;
    start_poller(bench, true, 0);
    loop_for(INTERVAL_MS + 333);
    poller_set_interval(bench->poller, 100);
    assert_fast(bench, 100);
    free_bench(bench);
}

/* One that is late is due now, one that has just been checked isn't. */
static void only_who_is_late_is_due_at_once(void **state)
{
    struct bench *bench = new_bench(2, NULL);

    (void)state;
    start_poller(bench, false, 0);
    await(bench->results[1] == 2);
    unsigned before = bench->due[0];
    assert_int_equal(bench->due[1], 2);
    poller_set_interval(bench->poller, 500);
    loop_for(0);
    loop_for(1);
    assert_int_equal(bench->due[0], before + 1);
    assert_int_equal(bench->due[1], 2);
    free_bench(bench);
}

/* At the start of the agent all are waiting when the first counts show that jobs run. */
static void a_shorter_interval_is_for_those_too_that_wait_for_their_start(void **state)
{
    struct bench *bench = new_bench(2, NULL);

    (void)state;
    bench->is_lazy = true;
    start_poller(bench, true, 0);
    await(bench->due[0] == 1 && bench->due[1] == 1);
    poller_set_interval(bench->poller, 100);
    bench->is_lazy = false;
    poller_start(bench->poller, 0);
    poller_start(bench->poller, 1);
    await(bench->results[0] == 1 && bench->results[1] == 1);
    assert_fast(bench, 100);
    free_bench(bench);
}

static void a_shorter_interval_is_for_those_too_whose_check_is_under_way(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    bench->instances[0].is_holding = true;
    start_poller(bench, true, 0);
    await(bench->instances[0].requests == 1);
    poller_set_interval(bench->poller, 100);
    bench->instances[0].is_holding = false;
    fake_instance_let_go(&bench->instances[0]);
    await(bench->results[0] == 1);
    assert_fast(bench, 100);
    free_bench(bench);
}

static void a_longer_interval_counts_from_the_next_check_on(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    start_poller(bench, true, 0);
    poller_set_interval(bench->poller, 100);
    await(bench->due[0] == 5);
    poller_set_interval(bench->poller, INTERVAL_MS);
    await(bench->due[0] == 8);
    assert_int_equal(bench->due_ms[0][7] - bench->due_ms[0][6], INTERVAL_MS);
    assert_int_equal(bench->due_ms[0][7] % INTERVAL_MS, 0);
    free_bench(bench);
}

static void the_same_interval_again_changes_nothing(void **state)
{
    struct bench *bench = new_bench(1, NULL);

    (void)state;
    start_poller(bench, false, 0);
    await(bench->due[0] == 2);
    for (int i = 0; i < 20; i++) {
        poller_set_interval(bench->poller, INTERVAL_MS);
        loop_for(100);
    }
    await(bench->due[0] == 4);
    assert_int_equal(bench->due_ms[0][3] - bench->due_ms[0][1], 2 * INTERVAL_MS);
    free_bench(bench);
}

static void hurried_all_are_due_at_once(void **state)
{
    struct bench *bench = new_bench(3, NULL);

    (void)state;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1 && bench->results[1] == 1 && bench->results[2] == 1);
    bench->instances[1].is_holding = true;
    await(bench->instances[1].open == 1);
    memset(bench->due, 0, sizeof(bench->due));
    bench->is_lazy = true;
    await(bench->due[2] == 1);
    memset(bench->due, 0, sizeof(bench->due));
    poller_hurry(bench->poller);
    loop_for(1);
    assert_int_equal(bench->due[0], 1);
    assert_int_equal(bench->due[1], 0); /* after the one under way */
    assert_int_equal(bench->due[2], 0); /* it waits already */
    bench->is_lazy = false;
    bench->instances[1].is_holding = false;
    fake_instance_let_go(&bench->instances[1]);
    unsigned before = bench->results[1];
    await(bench->results[1] == before + 1);
    int64_t end_ms = clock_ms();
    await(bench->due[1] == 1);
    assert_int_equal(bench->due_ms[1][0], end_ms);
    free_bench(bench);
}

/* As when HAProxy is a new process, and busy. */
static void a_shorter_interval_does_not_take_back_the_hurry(void **state)
{
    struct bench *bench = new_bench(2, NULL);

    (void)state;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1 && bench->results[1] == 1);
    poller_hurry(bench->poller);
    poller_set_interval(bench->poller, 500);
    loop_for(1);
    assert_int_equal(bench->due[0], 2);
    assert_int_equal(bench->due[1], 2);
    free_bench(bench);
}

/* Nor the end of the poller: nobody waits for the thread that looks up the name. */
static void a_hung_resolver_does_not_hold_up_the_loop(void **state)
{
    struct bench *bench = new_bench(1, "http://" HUNG);
    unsigned waiting;

    (void)state;
    loop_use_real_time();
    resolver_hangs = true;
    bench->config->check_timeout_ms = 50;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    pthread_mutex_lock(&resolver_lock);
    waiting = resolver_waiting;
    pthread_mutex_unlock(&resolver_lock);
    assert_int_equal(bench->result.reason, CHECK_CONNECTION_FAILED);
    assert_int_equal(waiting, 1);
    free_bench(bench);
    pthread_mutex_lock(&resolver_lock);
    assert_int_equal(resolver_waiting, 1); /* nor does it hold up the end */
    resolver_hangs = false;
    pthread_cond_broadcast(&resolver_freed);
    while (resolver_waiting > 0)
        pthread_cond_wait(&resolver_freed, &resolver_lock);
    pthread_mutex_unlock(&resolver_lock);
}

static void checks_under_way_are_given_up_without_a_result(void **state)
{
    struct bench *bench = new_bench(2, NULL);

    (void)state;
    bench->instances[0].is_holding = bench->instances[1].is_holding = true;
    start_poller(bench, true, 0);
    await(bench->instances[0].open == 1 && bench->instances[1].open == 1);
    poller_free(bench->poller);
    bench->poller = NULL;
    loop_for(10);
    assert_int_equal(bench->results[0] + bench->results[1], 0);
    free_bench(bench);
}

#define it(function) cmocka_unit_test_setup_teardown(function, loop_set_up, loop_tear_down)

/* --- Health and load apart --- */

static struct bench *new_vllm_bench(const char *more)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    char text[128];

    bench->count = 1;
    fake_instance_start(&bench->instances[0]);
    bench->instances[0].body = "vllm:num_requests_running 2.0\nvllm:num_requests_waiting 1.0\n";
    snprintf(text, sizeof(text), "INSTANCE_1_URL=%s", bench->instances[0].url);
    bench->config = config_of(
        (const char *[]){text, "HEALTH_CHECK_INTERVAL=2", "JOBS_SOURCE=vllm", more, NULL});
    return bench;
}

static void health_is_asked_before_the_load_and_once_per_interval(void **state)
{
    struct bench *bench = new_vllm_bench(NULL);

    (void)state;
    start_poller(bench, true, 0);
    poller_set_interval(bench->poller, 100);
    await(bench->results[0] == 1);
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    assert_int_equal(bench->result.active_jobs, 3);
    assert_string_equal(bench->instances[0].paths, "/health /metrics ");
    await(bench->results[0] == 10);
    assert_string_equal(bench->instances[0].paths,
                        "/health /metrics /metrics /metrics /metrics /metrics /metrics /metrics "
                        "/metrics /metrics /metrics ");
    await(bench->results[0] == 25);
    assert_contains(bench->instances[0].paths + strlen("/health "), "/health ");
    free_bench(bench);
}

/* A load that is told in between would else make it well again and again. */
static void one_that_is_not_well_is_asked_for_its_health_until_it_is(void **state)
{
    struct bench *bench = new_vllm_bench(NULL);

    (void)state;
    bench->instances[0].well_status = 503;
    start_poller(bench, true, 0);
    poller_set_interval(bench->poller, 100);
    await(bench->results[0] == 3);
    assert_int_equal(bench->result.reason, CHECK_HTTP_STATUS);
    assert_string_equal(bench->result.detail, "503 from /health");
    assert_string_equal(bench->instances[0].paths, "/health /health /health ");
    bench->instances[0].well_status = 204;
    await(bench->results[0] == 4);
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    free_bench(bench);
}

static void both_requests_are_within_one_time_limit(void **state)
{
    struct bench *bench = new_vllm_bench("CHECK_TIMEOUT=500ms");

    (void)state;
    bench->instances[0].answers_after_ms = 300;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_int_equal(bench->result.reason, CHECK_TIMED_OUT);
    assert_false(bench->result.is_connected); /* the health's connection is used again */
    assert_in_range(bench->took_ms, 500, 700);
    assert_string_equal(bench->result.detail, "no complete response within 500 ms from /metrics");
    loop_for(300); /* until the answer that was late is out of the way */
    free_bench(bench);
}

static void what_the_load_request_lacks_is_told_with_a_hint(void **state)
{
    struct bench *bench = new_vllm_bench("INSTANCE_1_JOBS_SOURCE=llamacpp");

    (void)state;
    bench->instances[0].status = 501;
    bench->instances[0].well_status = 200;
    assert_fails(bench, CHECK_HTTP_STATUS, "501 from /metrics: start llama-server with --metrics");
}

static void of_one_that_reports_nothing_any_2xx_is_well_on_a_connection_of_its_own(void **state)
{
    struct bench *bench = new_vllm_bench("INSTANCE_1_JOBS_SOURCE=none");

    (void)state;
    bench->instances[0].status = 204;
    start_poller(bench, true, 0);
    poller_set_interval(bench->poller, 100);
    await(bench->results[0] == 3);
    assert_int_equal(bench->result.reason, CHECK_PASSED);
    assert_int_equal(bench->result.counting, COUNTS_NOTHING);
    assert_string_equal(bench->instances[0].paths, "/health /health /health ");
    assert_int_equal(bench->instances[0].connections, 3);
    free_bench(bench);
}

static void a_time_out_says_whether_there_was_a_connection(void **state)
{
    struct bench *bench = new_vllm_bench("INSTANCE_1_JOBS_SOURCE=none");

    (void)state;
    bench->instances[0].is_holding = true;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_int_equal(bench->result.reason, CHECK_TIMED_OUT);
    assert_true(bench->result.is_connected);
    fake_instance_let_go(&bench->instances[0]);
    free_bench(bench);
}

static void each_request_carries_the_header_fields_of_the_configuration(void **state)
{
    struct bench *bench = new_vllm_bench(NULL);

    (void)state;
    bench->config->health_headers = calloc(1, sizeof(char *));
    bench->config->health_headers[0] = strdup("Authorization: Bearer x");
    bench->config->health_header_count = 1;
    start_poller(bench, true, 0);
    await(bench->results[0] == 1);
    assert_int_equal(bench->instances[0].requests, 2);
    assert_string_equal(bench->instances[0].token, "Bearer x");
    free_bench(bench);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(a_check_asks_the_health_path_and_brings_the_count),
        it(nothing_is_asked_until_the_check_is_started),
        it(a_check_takes_from_its_start_to_its_end),
        it(checks_do_not_drift),
        it(checks_are_spread_over_the_interval),
        it(a_new_poller_goes_on_with_the_pace),
        it(after_a_check_at_once_the_next_moment_counts),
        it(one_request_at_a_time_and_the_rest_is_missed),
        it(a_check_times_out_by_its_own_limit),
        it(what_went_wrong_is_told_apart),
        it(plain_http_where_tls_is_expected_is_a_tls_failure),
        it(a_redirect_is_not_followed),
        it(a_body_may_have_a_mebibyte_and_not_a_byte_more),
        it(a_proxy_of_the_environment_is_not_used),
        it(connections_are_kept),
        it(connections_are_bounded),
        it(a_shorter_interval_counts_at_once),
        it(only_who_is_late_is_due_at_once),
        it(a_shorter_interval_is_for_those_too_that_wait_for_their_start),
        it(a_shorter_interval_is_for_those_too_whose_check_is_under_way),
        it(a_longer_interval_counts_from_the_next_check_on),
        it(the_same_interval_again_changes_nothing),
        it(hurried_all_are_due_at_once),
        it(a_shorter_interval_does_not_take_back_the_hurry),
        it(a_hung_resolver_does_not_hold_up_the_loop),
        it(checks_under_way_are_given_up_without_a_result),
        it(health_is_asked_before_the_load_and_once_per_interval),
        it(one_that_is_not_well_is_asked_for_its_health_until_it_is),
        it(both_requests_are_within_one_time_limit),
        it(what_the_load_request_lacks_is_told_with_a_hint),
        it(of_one_that_reports_nothing_any_2xx_is_well_on_a_connection_of_its_own),
        it(a_time_out_says_whether_there_was_a_connection),
        it(each_request_carries_the_header_fields_of_the_configuration),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests_name("poller", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
