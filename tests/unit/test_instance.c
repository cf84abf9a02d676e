#include "farm_helper.h"
#include "names.h"

static const char *const one[] = {"INSTANCE_1_URL=http://a", NULL};

static void an_instance_is_healthy_before_its_first_check(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    const struct instance *instance = &farm->instances[0];

    (void)state;
    assert_int_equal(farm->count, 1);
    assert_int_equal(instance->number, 1);
    assert_string_equal(instance->url, "http://a");
    assert_true(instance->healthy);
    assert_false(instance->checked);
    assert_false(instance->drained);
    assert_int_equal(instance->active_jobs, 0);
    assert_int_equal(instance->failures, 0);
    assert_int_equal(instance->last_check.tv_sec, 0);
    assert_int_equal(instance->changed_ms, at_ms(0).monotonic_ms);
    assert_string_equal(instance->error, "");
    farm_free(farm);
}

static void failures_in_a_row_are_counted(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    for (unsigned i = 1; i <= 5; i++) {
        fail_once(instance, 3);
        assert_int_equal(instance->failures, i);
    }
    assert_int_equal(instance->failed[CHECK_TIMED_OUT], 5);
    assert_int_equal(instance->passed, 0);
    farm_free(farm);
}

static void an_instance_is_unhealthy_after_so_many_failures_as_configured(void **state)
{
    (void)state;
    for (unsigned after = 1; after <= 5; after++) {
        struct farm *farm = farm_of(one, NULL);
        struct instance *instance = &farm->instances[0];
        for (unsigned i = 1; i < after; i++) {
            assert_int_equal(fail_once(instance, after), INSTANCE_UNCHANGED);
            assert_true(instance->healthy);
        }
        assert_int_equal(fail_once(instance, after), INSTANCE_BECAME_UNHEALTHY);
        assert_false(instance->healthy);
        farm_free(farm);
    }
}

static void one_success_heals(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    for (int i = 0; i < 10; i++)
        fail_once(instance, 3);
    assert_int_equal(pass(instance, 4), INSTANCE_BECAME_HEALTHY);
    assert_true(instance->healthy);
    assert_int_equal(instance->failures, 0);
    assert_int_equal(instance->active_jobs, 4);
    assert_string_equal(instance->error, "");
    farm_free(farm);
}

static void a_success_in_between_starts_the_count_anew(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    for (int round = 0; round < 4; round++) {
        assert_int_equal(fail_once(instance, 3), INSTANCE_UNCHANGED);
        assert_int_equal(fail_once(instance, 3), INSTANCE_UNCHANGED);
        assert_int_equal(pass(instance, 0), INSTANCE_UNCHANGED);
        assert_int_equal(instance->failures, 0);
    }
    assert_true(instance->healthy);
    assert_int_equal(instance->passed, 4);
    assert_int_equal(instance->failed[CHECK_TIMED_OUT], 8);
    farm_free(farm);
}

static void a_transition_is_told_exactly_once(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    unsigned told[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        told[pass(instance, 0)]++;
    for (int i = 0; i < 7; i++)
        told[fail_once(instance, 3)]++;
    for (int i = 0; i < 7; i++)
        told[pass(instance, 0)]++;
    assert_int_equal(told[INSTANCE_BECAME_UNHEALTHY], 1);
    assert_int_equal(told[INSTANCE_BECAME_HEALTHY], 1);
    assert_int_equal(told[INSTANCE_UNCHANGED], 15);
    farm_free(farm);
}

static void only_a_transition_sets_its_time(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result good = passed(1);
    struct check_result bad = check_result_failed(CHECK_HTTP_STATUS, "500");
    struct moment now;

    (void)state;
    now = at_ms(100);
    apply_check(instance, &good, 2, &now);
    assert_int_equal(instance->changed_ms, at_ms(0).monotonic_ms);
    now = at_ms(200);
    apply_check(instance, &bad, 2, &now);
    assert_int_equal(instance->changed_ms, at_ms(0).monotonic_ms);
    now = at_ms(300);
    apply_check(instance, &bad, 2, &now);
    assert_int_equal(instance->changed_ms, at_ms(300).monotonic_ms);
    now = at_ms(400);
    apply_check(instance, &bad, 2, &now);
    assert_int_equal(instance->changed_ms, at_ms(300).monotonic_ms);
    now = at_ms(500);
    apply_check(instance, &good, 2, &now);
    assert_int_equal(instance->changed_ms, at_ms(500).monotonic_ms);
    farm_free(farm);
}

static void every_check_sets_the_time_of_the_last_one(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result good = passed(1);
    struct check_result bad = check_result_failed(CHECK_HTTP_STATUS, "500");
    struct moment now = at_ms(1250);

    (void)state;
    apply_check(instance, &good, 3, &now);
    assert_true(instance->checked);
    assert_int_equal(instance->last_check.tv_sec, now.wall.tv_sec);
    assert_int_equal(instance->last_check.tv_nsec, 250000000);
    now = at_ms(9000);
    apply_check(instance, &bad, 3, &now);
    assert_int_equal(instance->last_check.tv_sec, now.wall.tv_sec);
    farm_free(farm);
}

static void a_report_is_as_old_as_the_last_check_that_passed(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result good = passed(1);
    struct check_result bad = check_result_failed(CHECK_HTTP_STATUS, "500");
    struct moment now = at_ms(500);

    (void)state;
    apply_check(instance, &bad, 3, &now);
    assert_int_equal(instance->passed_ms, at_ms(0).monotonic_ms);
    now = at_ms(1250);
    apply_check(instance, &good, 3, &now);
    assert_int_equal(instance->passed_ms, now.monotonic_ms);
    now = at_ms(9000);
    apply_check(instance, &bad, 3, &now);
    assert_int_equal(instance->passed_ms, at_ms(1250).monotonic_ms);
    farm_free(farm);
}

static void a_failed_check_is_a_check(void **state)
{
    struct farm *farm = farm_of(one, NULL);

    (void)state;
    fail_once(&farm->instances[0], 3);
    assert_true(farm->instances[0].checked);
    farm_free(farm);
}

static void external_jobs_are_the_active_ones_that_haproxy_does_not_have_open(void **state)
{
    static const struct {
        unsigned active;
        unsigned in_flight;
        unsigned external;
        unsigned load;
    } cases[] = {
        {0, 0, 0, 0}, {5, 0, 5, 5},       {5, 2, 3, 5},
        {5, 4, 1, 5}, {5, 5, 0, 5},       {5, 6, 0, 6},
        {0, 9, 0, 9}, {1, 1000, 0, 1000}, {1000000, 1, 999999, 1000000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct farm *farm = farm_of(one, NULL);
        struct instance *instance = &farm->instances[0];
        instance->in_flight = cases[i].in_flight;
        pass(instance, cases[i].active);
        assert_int_equal(instance->active_jobs, cases[i].active);
        assert_int_equal(instance->external_jobs, cases[i].external);
        assert_int_equal(instance_load(instance), cases[i].load);
        farm_free(farm);
    }
}

static void external_jobs_stay_as_they_were_at_the_report(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    instance->in_flight = 2;
    pass(instance, 5);
    instance->in_flight = 4;
    assert_int_equal(instance->external_jobs, 3);
    assert_int_equal(instance_load(instance), 7);
    farm_free(farm);
}

static void a_failed_check_keeps_the_last_report(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    instance->in_flight = 1;
    pass(instance, 5);
    instance->in_flight = 3;
    fail_once(instance, 3);
    assert_int_equal(instance->active_jobs, 5);
    assert_int_equal(instance->external_jobs, 4);
    farm_free(farm);
}

static void an_error_is_the_reason_and_the_detail(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    struct moment now = at_ms(0);
    struct check_result with_detail = check_result_failed(CHECK_HTTP_STATUS, "%d", 500);
    struct check_result without = check_result_failed(CHECK_TIMED_OUT, "%s", "");

    (void)state;
    apply_check(instance, &with_detail, 3, &now);
    assert_string_equal(instance->error, "unexpected HTTP status: 500");
    assert_int_equal(instance->failed[CHECK_HTTP_STATUS], 1);
    apply_check(instance, &without, 3, &now);
    assert_string_equal(instance->error, "timed out");
    pass(instance, 0);
    assert_string_equal(instance->error, "");
    farm_free(farm);
}

static void the_longest_error_fits(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    struct moment now = at_ms(0);
    char text[400];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (int reason = CHECK_PASSED + 1; reason < CHECK_REASON_COUNT; reason++) {
        struct check_result result = check_result_failed((enum check_reason)reason, "%s", text);
        apply_check(instance, &result, 3, &now);
        assert_int_equal(strlen(instance->error),
                         strlen(check_reason_text((enum check_reason)reason)) + strlen(": ") +
                             strlen(result.detail));
    }
    farm_free(farm);
}

static void a_lower_limit_after_a_reload_counts_earlier_failures(void **state)
{
    struct farm *old = farm_of(one, NULL);

    (void)state;
    for (int i = 0; i < 4; i++)
        fail_once(&old->instances[0], 10);
    struct farm *farm = farm_of(one, old);
    farm_free(old);
    assert_true(farm->instances[0].healthy);
    assert_int_equal(fail_once(&farm->instances[0], 3), INSTANCE_BECAME_UNHEALTHY);
    assert_int_equal(farm->instances[0].failures, 5);
    farm_free(farm);
}

/* A report of `jobs` between two looks at HAProxy. */
struct doubt_case {
    const char *name;
    unsigned open_before;
    unsigned open_after;
    unsigned come;
    unsigned jobs;
    unsigned external_before;
    unsigned external_after;
};

static void within_the_doubt_the_last_number_of_external_jobs_stands(void **state)
{
    static const struct doubt_case cases[] = {
        {"nothing moves", 2, 2, 0, 5, 9, 3},
        {"one ended, none was external: it may be in the report", 3, 2, 0, 3, 0, 0},
        {"one ended, one was external: it may not be in the report", 3, 2, 0, 3, 1, 1},
        {"one ended, more than can be", 3, 2, 0, 3, 7, 1},
        {"one ended, fewer than must be", 3, 2, 0, 5, 0, 2},
        {"one came, none was external: it may be in the report", 2, 3, 1, 3, 0, 0},
        {"one came, one was external: it may not be in the report", 2, 3, 1, 3, 1, 1},
        {"one came, more than can be", 2, 3, 1, 3, 7, 1},
        {"one came, fewer than must be", 2, 3, 1, 5, 0, 2},
        {"one came and one ended", 2, 2, 1, 4, 0, 1},
        {"one came and one ended, more than can be", 2, 2, 1, 4, 9, 3},
        {"all came and ended", 0, 0, 4, 3, 0, 0},
        {"all came and ended, and those of others are there", 0, 0, 4, 3, 3, 3},
        {"fewer are reported than are open", 4, 4, 0, 1, 2, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct farm *farm = farm_of(one, NULL);
        struct instance *instance = &farm->instances[0];
        struct check_rules rules = {.unhealthy_after = 3, .interval_ms = 1};
        struct check_start start = {.in_flight = cases[i].open_before, .sessions = 100};
        struct check_result result = passed(cases[i].jobs);
        struct moment now = at_ms(0);
        instance->external_jobs = cases[i].external_before;
        instance->in_flight = cases[i].open_after;
        instance->sessions = 100 + cases[i].come;
        instance_apply(instance, &result, &start, &rules, &now);
        if (instance->external_jobs != cases[i].external_after)
            fail_msg("case \"%s\": %u", cases[i].name, instance->external_jobs);
        farm_free(farm);
    }
}

/* Two jobs were accepted before a check, a third one while it was made: come, gone, accepted. */
static void accepted_jobs_are_expected_in_the_report(void **state)
{
    static const struct {
        unsigned jobs;
        unsigned external;
    } cases[] = {{2, 2}, {3, 2}, {1, 1}, {0, 0}, {7, 6}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct farm *farm = farm_of(one, NULL);
        struct instance *instance = &farm->instances[0];
        struct check_rules rules = {.unhealthy_after = 3, .interval_ms = 1};
        struct check_start start = {.sessions = 2, .acceptances = UINT32_MAX};
        struct check_result result = passed(cases[i].jobs);
        struct moment now = at_ms(0);
        instance->reported = UINT32_MAX - 2;
        instance->acceptances = 0; /* after UINT32_MAX */
        instance->sessions = 3;
        instance_apply(instance, &result, &start, &rules, &now);
        if (instance->external_jobs != cases[i].external)
            fail_msg("%u reported: %u external", cases[i].jobs, instance->external_jobs);
        assert_int_equal(instance_accepted(instance), 1);
        farm_free(farm);
    }
}

/* Failed checks that began so many ms after the first, with 1,000 between two that count. */
static unsigned count_failures(const int64_t *began_ms, size_t count)
{
    struct farm *farm = farm_of(one, NULL);
    struct check_rules rules = {.unhealthy_after = 3, .interval_ms = 1000};
    struct check_result result = check_result_failed(CHECK_TIMED_OUT, "%s", "");

    for (size_t i = 0; i < count; i++) {
        struct check_start start = {.at_ms = at_ms(began_ms[i]).monotonic_ms};
        struct moment now = at_ms(began_ms[i] + 500); /* when it ended doesn't matter */
        instance_apply(&farm->instances[0], &result, &start, &rules, &now);
    }
    unsigned failures = farm->instances[0].failures;
    assert_int_equal(farm->instances[0].failed[CHECK_TIMED_OUT], count);
    assert_int_equal(farm->instances[0].healthy, failures < 3);
    farm_free(farm);
    return failures;
}

static void a_failure_counts_once_in_an_interval(void **state)
{
    static const int64_t often[] = {0, 100, 200, 300, 400, 500, 600, 700};
    static const int64_t tolerated[] = {0, 750, 1500};
    static const int64_t not_yet[] = {0, 749, 1498};
    static const int64_t from_those_that_count[] = {0, 700, 1400, 2100};

    (void)state;
    assert_int_equal(count_failures(often, COUNT(often)), 1);
    assert_int_equal(count_failures(tolerated, COUNT(tolerated)), 3);
    assert_int_equal(count_failures(not_yet, COUNT(not_yet)), 2);
    assert_int_equal(count_failures(from_those_that_count, COUNT(from_those_that_count)), 2);
}

/* A failure that doesn't count says all the same why. */
static void a_failure_that_does_not_count_puts_it_last_too(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_rules rules = {.unhealthy_after = 3, .interval_ms = 30000};
    struct check_result bad = check_result_failed(CHECK_HTTP_STATUS, "%d", 500);
    struct check_result good = passed(2);
    struct moment now = at_ms(0);
    struct check_start start = {.at_ms = now.monotonic_ms};

    (void)state;
    assert_int_equal(instance_penalty(instance), 0);
    instance_apply(instance, &bad, &start, &rules, &now);
    instance_apply(instance, &bad, &start, &rules, &now);
    assert_int_equal(instance->failures, 1);
    assert_int_equal(instance_penalty(instance), PENALTY_MAX);
    assert_string_equal(instance->error, "unexpected HTTP status: 500");
    instance_apply(instance, &good, &start, &rules, &now);
    assert_int_equal(instance_penalty(instance), 0);
    assert_int_equal(instance_load(instance), 2);
    farm_free(farm);
}

/* What HAProxy's rules make of it; the word has sixteenths of a job. */
static uint32_t seen_by_haproxy(const struct instance *instance)
{
    uint32_t seen = LOAD_UNIT * instance->acceptances - instance_word(instance);

    assert_int_equal(seen % LOAD_UNIT, 0);
    return seen / LOAD_UNIT;
}

/* What HAProxy computes from the word is what it can't see itself; modulo 2^32. */
static void the_word_is_what_haproxy_subtracts(void **state)
{
    static const uint32_t counts[] = {0, 1, 1000, UINT32_MAX - 1, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct farm *farm = farm_of(one, NULL);
        struct instance *instance = &farm->instances[0];
        instance->reported = counts[i];
        instance->acceptances = counts[i] + 2; /* beyond the end too */
        instance->forecast.expected = 5;
        instance->in_flight = 100;
        instance->jobs_penalty = 1000; /* which HAProxy adds by itself */
        assert_int_equal(instance_accepted(instance), 2);
        assert_int_equal(seen_by_haproxy(instance), 7);
        assert_int_equal(instance_load(instance), 1107);
        instance->errors.penalty = 15;
        assert_int_equal(seen_by_haproxy(instance), 7);
        instance->errors.is_held = true;
        assert_int_equal(seen_by_haproxy(instance), 22);
        assert_int_equal(instance_penalty(instance), 1015);
        strcpy(instance->error, "timed out");
        assert_int_equal(seen_by_haproxy(instance), 22 + PENALTY_MAX);
        assert_int_equal(instance_penalty(instance), 1015 + PENALTY_MAX);
        instance->drained = true;
        assert_int_equal(seen_by_haproxy(instance), 22 + PENALTY_MAX + DRAINED_LOAD);
        farm_free(farm);
    }
}

/* A count below the last report's is that of a process that nobody has been told of yet. */
static void accepted_jobs_are_bounded(void **state)
{
    struct farm *farm = farm_of(one, NULL);

    (void)state;
    farm->instances[0].acceptances = 3;
    farm->instances[0].reported = 4;
    assert_int_equal(instance_accepted(&farm->instances[0]), JOBS_MAX);
    farm_free(farm);
}

static void a_new_process_inherits_the_load(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    instance->in_flight = 3;
    instance->sessions = 50;
    instance->external_jobs = 4;
    instance->acceptances = 9;
    instance->reported = 7;
    instance->told = 3;
    instance->jobs_penalty = 15;
    instance->drained = true;
    instance_inherit(instance);
    assert_int_equal(instance->external_jobs, 3 + 4 + 2);
    assert_int_equal(instance_load(instance), 9);
    assert_int_equal(instance->in_flight + instance->sessions, 0);
    assert_int_equal(instance->acceptances + instance->reported + instance->told, 0);
    assert_int_equal(instance->jobs_penalty, 0);
    assert_true(instance->drained); /* until HAProxy says otherwise */
    instance_inherit(instance);     /* and once more */
    assert_int_equal(instance_load(instance), 9);
    instance->external_jobs = JOBS_MAX;
    instance->in_flight = 1;
    instance_inherit(instance);
    assert_int_equal(instance->external_jobs, JOBS_MAX);
    farm_free(farm);
}

/* It is no report of 0 that an agent meets a process before it has had any. */
static void the_first_report_counts_in_full(void **state)
{
    struct farm *farm = farm_of(one, NULL);

    (void)state;
    instance_inherit(&farm->instances[0]);
    pass(&farm->instances[0], 3);
    assert_int_equal(0 - instance_word(&farm->instances[0]), 3 * LOAD_UNIT);
    farm_free(farm);
}

static void errors_of_the_server_count_until_a_check_passes_again(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct instance *instance = &farm->instances[0];

    (void)state;
    instance_see_counters(instance, at_ms(0).monotonic_ms);
    instance->counters.failed_responses = 1;
    instance_see_counters(instance, at_ms(1).monotonic_ms);
    assert_int_equal(instance_penalty(instance), 1);
    pass(instance, 0);
    assert_int_equal(instance_penalty(instance), 1); /* its health is another thing */
    instance_inherit(instance);
    instance->counters.failed_responses = 50;
    instance_see_counters(instance, at_ms(2).monotonic_ms);
    assert_int_equal(instance_penalty(instance), 1); /* a new process' counters */
    fail_once(instance, 3);
    assert_int_equal(instance_penalty(instance), PENALTY_MAX + 1);
    pass(instance, 0);
    assert_int_equal(instance_penalty(instance), 0);
    farm_free(farm);
}

/* --- Sources that report less than all --- */

static struct check_result timed_out(enum counting counting, bool is_connected)
{
    struct check_result result = check_result_failed(CHECK_TIMED_OUT, "%s", "");

    result.counting = counting;
    result.is_connected = is_connected;
    return result;
}

static void of_one_that_reports_nothing_what_haproxy_has_open_is_all(void **state)
{
    struct farm *farm = farm_of((const char *[]){"INSTANCE_1_URL=http://a", NULL}, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result result = {.reason = CHECK_PASSED, .counting = COUNTS_NOTHING};
    struct moment now = at_ms(0);

    (void)state;
    /* What an old process of HAProxy had open is forgotten: nobody tells of its end. */
    instance->external_jobs = 5;
    forecast_restart(&instance->forecast, 5);
    instance->in_flight = 3;
    instance->acceptances = 2;
    apply_check(instance, &result, 3, &now);
    assert_int_equal(instance->active_jobs, 3);
    assert_int_equal(instance->external_jobs, 0);
    assert_int_equal(instance_load(instance), 3);
    assert_int_equal(instance_accepted(instance), 0);
    farm_free(farm);
}

static void of_one_that_reports_those_that_wait_the_others_are_haproxys(void **state)
{
    struct farm *farm = farm_of((const char *[]){"INSTANCE_1_URL=http://a", NULL}, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result result = {
        .reason = CHECK_PASSED, .counting = COUNTS_WAITING, .active_jobs = 4};
    struct moment now = at_ms(0);

    (void)state;
    instance->in_flight = 3;
    apply_check(instance, &result, 3, &now);
    assert_int_equal(instance->active_jobs, 7);
    assert_int_equal(instance->external_jobs, 4);
    assert_int_equal(instance_load(instance), 7);
    farm_free(farm);
}

static void a_busy_one_is_picked_last_but_is_well(void **state)
{
    struct farm *farm = farm_of((const char *[]){"INSTANCE_1_URL=http://a", NULL}, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result busy = timed_out(COUNTS_NOTHING, true);
    struct check_result good = {.reason = CHECK_PASSED, .counting = COUNTS_NOTHING};
    struct moment now = at_ms(0);

    (void)state;
    instance->in_flight = 1;
    for (int i = 0; i < 10; i++)
        assert_int_equal(apply_check(instance, &busy, 3, &now), INSTANCE_UNCHANGED);
    assert_true(instance->healthy);
    assert_int_equal(instance->failures, 0);
    assert_int_equal(instance->reason, CHECK_BUSY);
    assert_int_equal(instance->failed[CHECK_BUSY], 10);
    assert_int_equal(instance->failed[CHECK_TIMED_OUT], 0);
    assert_int_equal(instance_load(instance), 1 + PENALTY_MAX);
    apply_check(instance, &good, 3, &now);
    assert_int_equal(instance->reason, CHECK_PASSED);
    assert_int_equal(instance_load(instance), 1);
    farm_free(farm);
}

static void without_a_job_a_connection_or_a_reason_it_is_not_busy(void **state)
{
    static const struct {
        const char *name;
        unsigned in_flight;
        enum counting counting;
        bool is_connected;
        enum check_reason reason;
    } cases[] = {
        {"no job of ours", 0, COUNTS_NOTHING, true, CHECK_TIMED_OUT},
        {"no connection", 1, COUNTS_NOTHING, false, CHECK_TIMED_OUT},
        {"it reports its jobs", 1, COUNTS_ALL, true, CHECK_TIMED_OUT},
        {"it reports some", 1, COUNTS_WAITING, true, CHECK_TIMED_OUT},
        {"an answer", 1, COUNTS_NOTHING, true, CHECK_HTTP_STATUS},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct farm *farm = farm_of((const char *[]){"INSTANCE_1_URL=http://a", NULL}, NULL);
        struct instance *instance = &farm->instances[0];
        struct check_result result = timed_out(cases[i].counting, cases[i].is_connected);
        struct moment now = at_ms(0);
        result.reason = cases[i].reason;
        instance->in_flight = cases[i].in_flight;
        for (int k = 0; k < 3; k++)
            apply_check(instance, &result, 3, &now);
        assert_case(cases[i].name, !instance->healthy && instance->failures == 3);
        assert_case(cases[i].name, instance->reason == cases[i].reason);
        farm_free(farm);
    }
}

static void a_busy_one_counts_failures_from_when_its_jobs_are_gone(void **state)
{
    struct farm *farm = farm_of((const char *[]){"INSTANCE_1_URL=http://a", NULL}, NULL);
    struct instance *instance = &farm->instances[0];
    struct check_result frozen = timed_out(COUNTS_NOTHING, true);
    struct moment now = at_ms(0);

    (void)state;
    instance->in_flight = 2;
    apply_check(instance, &frozen, 3, &now);
    instance->in_flight = 0;
    assert_int_equal(apply_check(instance, &frozen, 3, &now), INSTANCE_UNCHANGED);
    assert_int_equal(apply_check(instance, &frozen, 3, &now), INSTANCE_UNCHANGED);
    assert_int_equal(apply_check(instance, &frozen, 3, &now), INSTANCE_BECAME_UNHEALTHY);
    farm_free(farm);
}

static void a_capacity_is_the_last_that_was_reported(void **state)
{
    static const char *const read[] = {"INSTANCE_1_URL=http://a", "CAPACITY_FIELD=/slots", NULL};
    static const char *const told[] = {"INSTANCE_1_URL=http://a", "INSTANCE_1_CAPACITY=9", NULL};
    struct farm *farm = farm_of(read, NULL);
    struct check_result result = passed(0);
    struct moment now = at_ms(0);

    (void)state;
    assert_int_equal(farm->instances[0].capacity, 1);
    result.capacity = 4;
    apply_check(&farm->instances[0], &result, 3, &now);
    assert_int_equal(farm->instances[0].capacity, 4);
    result.capacity = 0;
    result.lacks_capacity = true;
    apply_check(&farm->instances[0], &result, 3, &now);
    assert_int_equal(farm->instances[0].capacity, 4);
    assert_true(farm->instances[0].lacks_capacity);
    /* A reload keeps what was reported, unless the capacity is told from now on. */
    struct farm *again = farm_of(read, farm);
    assert_int_equal(again->instances[0].capacity, 4);
    struct farm *fixed = farm_of(told, again);
    assert_int_equal(fixed->instances[0].capacity, 9);
    farm_free(farm);
    farm_free(again);
    farm_free(fixed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_is_healthy_before_its_first_check),
        cmocka_unit_test(failures_in_a_row_are_counted),
        cmocka_unit_test(an_instance_is_unhealthy_after_so_many_failures_as_configured),
        cmocka_unit_test(one_success_heals),
        cmocka_unit_test(a_success_in_between_starts_the_count_anew),
        cmocka_unit_test(a_transition_is_told_exactly_once),
        cmocka_unit_test(only_a_transition_sets_its_time),
        cmocka_unit_test(every_check_sets_the_time_of_the_last_one),
        cmocka_unit_test(a_report_is_as_old_as_the_last_check_that_passed),
        cmocka_unit_test(a_failed_check_is_a_check),
        cmocka_unit_test(external_jobs_are_the_active_ones_that_haproxy_does_not_have_open),
        cmocka_unit_test(external_jobs_stay_as_they_were_at_the_report),
        cmocka_unit_test(a_failed_check_keeps_the_last_report),
        cmocka_unit_test(an_error_is_the_reason_and_the_detail),
        cmocka_unit_test(the_longest_error_fits),
        cmocka_unit_test(a_lower_limit_after_a_reload_counts_earlier_failures),
        cmocka_unit_test(within_the_doubt_the_last_number_of_external_jobs_stands),
        cmocka_unit_test(accepted_jobs_are_expected_in_the_report),
        cmocka_unit_test(a_failure_counts_once_in_an_interval),
        cmocka_unit_test(a_failure_that_does_not_count_puts_it_last_too),
        cmocka_unit_test(the_word_is_what_haproxy_subtracts),
        cmocka_unit_test(accepted_jobs_are_bounded),
        cmocka_unit_test(a_new_process_inherits_the_load),
        cmocka_unit_test(the_first_report_counts_in_full),
        cmocka_unit_test(errors_of_the_server_count_until_a_check_passes_again),
        cmocka_unit_test(of_one_that_reports_nothing_what_haproxy_has_open_is_all),
        cmocka_unit_test(of_one_that_reports_those_that_wait_the_others_are_haproxys),
        cmocka_unit_test(a_busy_one_is_picked_last_but_is_well),
        cmocka_unit_test(without_a_job_a_connection_or_a_reason_it_is_not_busy),
        cmocka_unit_test(a_busy_one_counts_failures_from_when_its_jobs_are_gone),
        cmocka_unit_test(a_capacity_is_the_last_that_was_reported),
    };

    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}
