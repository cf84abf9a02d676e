#include <curl/curl.h>
#include <stdarg.h>

#include "caller.h"
#include "fake_instance.h"
#include "farm_helper.h"
#include "log.h"
#include "service.h"

#define HEALTH "GET /health HTTP/1.0\r\n\r\n"

static struct fake_instance instances[3];
static unsigned agent_port, status_port;
static struct service *service;

static int set_up(void **state)
{
    loop_set_up(state);
    log_set_level(LOG_ERROR);
    memset(instances, 0, sizeof(instances));
    for (size_t i = 0; i < COUNT(instances); i++) {
        fake_instance_start(&instances[i]);
        instances[i].jobs = (unsigned)i + 1;
    }
    agent_port = unused_port();
    status_port = unused_port();
    return 0;
}

static int tear_down(void **state)
{
    service_free(service);
    service = NULL;
    for (size_t i = 0; i < COUNT(instances); i++)
        fake_instance_stop(&instances[i]);
    return loop_tear_down(state);
}

/* With the instances of these numbers, ended by 0, on these ports. */
static struct config *configure(unsigned agent, unsigned status, ...)
{
    char texts[COUNT(instances) + 3][160];
    const char *settings[COUNT(instances) + 5] = {NULL};
    size_t used = 0;
    va_list numbers;

    va_start(numbers, status);
    for (int number = va_arg(numbers, int); number > 0; number = va_arg(numbers, int)) {
        snprintf(texts[used], sizeof(texts[0]), "INSTANCE_%d_URL=%s", number,
                 instances[number - 1].url);
        settings[used] = texts[used];
        used++;
    }
    va_end(numbers);
    snprintf(texts[used], sizeof(texts[0]), "AGENT_PORT=%u", agent);
    settings[used] = texts[used];
    used++;
    snprintf(texts[used], sizeof(texts[0]), "STATUS_PORT=%u", status);
    settings[used] = texts[used];
    used++;
    snprintf(texts[used], sizeof(texts[0]), "HAPROXY_SOCKET=%s/none", loop_folder());
    settings[used] = texts[used];
    settings[used + 1] = "LOG_LEVEL=ERROR";
    settings[used + 2] = "AGENT_BIND_ADDRESS=127.0.0.1";
    return config_of(settings);
}

static void start(struct config *config)
{
    struct errors errors = {0};

    service = service_new(loop, config, &errors);
    assert_no_errors(&errors);
    assert_non_null(service);
    errors_free(&errors);
}

static void reload(struct config *config)
{
    struct errors errors = {0};

    assert_true(service_reload(service, config, &errors));
    assert_no_errors(&errors);
    errors_free(&errors);
}

static void assert_health(unsigned port, const char *part)
{
    struct caller *caller = caller_new(port, HEALTH);

    await(caller->is_closed);
    assert_contains(caller->heard, part);
    caller_free(caller);
}

static void assert_nobody_listens_on(unsigned port)
{
    struct caller *caller = caller_new(port, NULL);

    await(caller->is_closed);
    assert_true(caller->is_refused);
    caller_free(caller);
}

static void it_checks_the_instances_and_answers_on_both_ports(void **state)
{
    (void)state;
    start(configure(agent_port, status_port, 1, 2, 0));
    assert_heard(agent_port, "instance1\n", "unknown\n");
    await(instances[0].requests == 1 && instances[1].requests == 1);
    loop_for(100);
    assert_heard(agent_port, "instance1\n", "up 50%\n");
    assert_heard(agent_port, "instance2\n", "up 33%\n");
    assert_heard(agent_port, "instance3\n", "");
    assert_health(status_port, "\"total_active_jobs\":3");
}

static void a_port_that_is_taken_is_named(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(service_new(loop, configure(instances[0].port, instances[1].port, 1, 0), &errors));
    assert_int_equal(errors.count, 2);
    assert_error(&errors, "AGENT_PORT");
    assert_error(&errors, "STATUS_PORT");
    errors_free(&errors);
    assert_null(service_new(loop, configure(agent_port, instances[1].port, 1, 0), &errors));
    assert_int_equal(errors.count, 1);
    errors_free(&errors);
    assert_nobody_listens_on(agent_port); /* the one that was to be had is given back */
}

static void instances_that_stay_keep_their_history(void **state)
{
    (void)state;
    start(configure(agent_port, status_port, 1, 2, 0));
    await(instances[0].requests == 1 && instances[1].requests == 1);
    loop_for(100);
    instances[0].is_holding = true;
    reload(configure(agent_port, status_port, 1, 3, 0));
    assert_heard(agent_port, "instance1\n", "up 50%\n");
    assert_heard(agent_port, "instance2\n", "");
    assert_heard(agent_port, "instance3\n", "unknown\n");
    await(instances[2].requests == 1);
    loop_for(100);
    assert_heard(agent_port, "instance3\n", "up 25%\n");
    assert_health(status_port, "\"total_active_jobs\":4");
    /* The new one is asked at once, the old one when it is its time. */
    assert_int_equal(instances[0].requests, 1);
    assert_int_equal(instances[1].requests, 1);
    await(instances[0].requests == 2);
}

static void ports_that_stay_are_kept_open(void **state)
{
    struct caller *caller;

    (void)state;
    start(configure(agent_port, status_port, 1, 0));
    await(instances[0].requests == 1);
    loop_for(100);
    caller = caller_new(agent_port, "inst");
    loop_for(100);
    reload(configure(agent_port, status_port, 1, 2, 0));
    caller_say(caller, "ance1\n");
    await(caller->is_closed);
    assert_string_equal(caller->heard, "up 50%\n");
    caller_free(caller);
}

static void new_ports_take_the_place_of_the_old(void **state)
{
    unsigned new_agent = unused_port();
    unsigned new_status = unused_port();

    (void)state;
    start(configure(agent_port, status_port, 1, 0));
    await(instances[0].requests == 1);
    loop_for(100);
    reload(configure(new_agent, status_port, 1, 0));
    assert_heard(new_agent, "instance1\n", "up 50%\n");
    assert_nobody_listens_on(agent_port);
    reload(configure(new_agent, new_status, 1, 0));
    assert_health(new_status, "\"total_active_jobs\":1");
    assert_nobody_listens_on(status_port);
    assert_heard(new_agent, "instance1\n", "up 50%\n");
}

static void a_reload_that_fails_changes_nothing(void **state)
{
    struct errors errors = {0};
    unsigned new_agent = unused_port();

    (void)state;
    start(configure(agent_port, status_port, 1, 0));
    await(instances[0].requests == 1);
    loop_for(100);
    assert_false(service_reload(service, configure(new_agent, instances[2].port, 2, 0), &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "STATUS_PORT");
    errors_free(&errors);
    assert_heard(agent_port, "instance1\n", "up 50%\n");
    assert_heard(agent_port, "instance2\n", "");
    assert_health(status_port, "\"total_active_jobs\":1");
    assert_nobody_listens_on(new_agent);
    instances[0].jobs = 4;
    await(instances[0].requests == 2);
    loop_for(100);
    assert_heard(agent_port, "instance1\n", "up 20%\n");
    assert_int_equal(instances[1].requests, 0);
}

/* However fast they come. */
static void reloads_starve_no_check(void **state)
{
    (void)state;
    instances[0].answers_after_ms = 40;
    start(configure(agent_port, status_port, 1, 2, 0));
    for (int i = 0; i < 20; i++) {
        loop_for(60);
        reload(configure(agent_port, status_port, 1, 2, 0));
    }
    loop_for(1200); /* JOBS_INTERVAL, and a check */
    assert_heard(agent_port, "instance1\n", "up 50%\n");
    assert_heard(agent_port, "instance2\n", "up 33%\n");
    assert_in_range(instances[1].requests, 1, 4); /* nor is anybody asked without end */
}

static void it_may_be_freed_with_everything_under_way(void **state)
{
    struct caller *callers[2];

    (void)state;
    instances[0].is_holding = true;
    start(configure(agent_port, status_port, 1, 2, 0));
    callers[0] = caller_new(agent_port, "inst");
    callers[1] = caller_new(status_port, "GET /hea");
    await(instances[0].open == 1);
    loop_for(10);
    service_free(service);
    service = NULL;
    for (size_t i = 0; i < COUNT(callers); i++) {
        await(callers[i]->is_closed);
        assert_true(callers[i]->is_connected);
        caller_free(callers[i]);
    }
}

#define it(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(it_checks_the_instances_and_answers_on_both_ports),
        it(a_port_that_is_taken_is_named),
        it(instances_that_stay_keep_their_history),
        it(ports_that_stay_are_kept_open),
        it(new_ports_take_the_place_of_the_old),
        it(a_reload_that_fails_changes_nothing),
        it(reloads_starve_no_check),
        it(it_may_be_freed_with_everything_under_way),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests_name("service", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
