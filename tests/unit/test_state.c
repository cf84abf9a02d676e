#include "farm_helper.h"

static const char *const one[] = {"INSTANCE_1_URL=http://a", NULL};

static enum state_change pass(struct state *instance, unsigned active_jobs)
{
    struct sample sample = passed(active_jobs);
    struct moment now = at_ms(0);

    return apply_check(instance, &sample, 3, &now);
}

static enum state_change fail_once(struct state *instance, unsigned unhealthy_after)
{
    struct sample sample = sample_failed(CHECK_TIMED_OUT, "%s", "");
    struct moment now = at_ms(0);

    return apply_check(instance, &sample, unhealthy_after, &now);
}

static void an_instance_is_healthy_before_its_first_check(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    const struct state *instance = &farm->states[0];

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
    struct state *instance = &farm->states[0];

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
        struct state *instance = &farm->states[0];
        for (unsigned i = 1; i < after; i++) {
            assert_int_equal(fail_once(instance, after), STATE_UNCHANGED);
            assert_true(instance->healthy);
        }
        assert_int_equal(fail_once(instance, after), STATE_BECAME_UNHEALTHY);
        assert_false(instance->healthy);
        farm_free(farm);
    }
}

static void one_success_heals(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct state *instance = &farm->states[0];

    (void)state;
    for (int i = 0; i < 10; i++)
        fail_once(instance, 3);
    assert_int_equal(pass(instance, 4), STATE_BECAME_HEALTHY);
    assert_true(instance->healthy);
    assert_int_equal(instance->failures, 0);
    assert_int_equal(instance->active_jobs, 4);
    assert_string_equal(instance->error, "");
    farm_free(farm);
}

static void a_success_in_between_starts_the_count_anew(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct state *instance = &farm->states[0];

    (void)state;
    for (int round = 0; round < 4; round++) {
        assert_int_equal(fail_once(instance, 3), STATE_UNCHANGED);
        assert_int_equal(fail_once(instance, 3), STATE_UNCHANGED);
        assert_int_equal(pass(instance, 0), STATE_UNCHANGED);
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
    struct state *instance = &farm->states[0];
    unsigned told[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++)
        told[pass(instance, 0)]++;
    for (int i = 0; i < 7; i++)
        told[fail_once(instance, 3)]++;
    for (int i = 0; i < 7; i++)
        told[pass(instance, 0)]++;
    assert_int_equal(told[STATE_BECAME_UNHEALTHY], 1);
    assert_int_equal(told[STATE_BECAME_HEALTHY], 1);
    assert_int_equal(told[STATE_UNCHANGED], 15);
    farm_free(farm);
}

static void only_a_transition_sets_its_time(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct state *instance = &farm->states[0];
    struct sample good = passed(1);
    struct sample bad = sample_failed(CHECK_HTTP_STATUS, "500");
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
    struct state *instance = &farm->states[0];
    struct sample good = passed(1);
    struct sample bad = sample_failed(CHECK_HTTP_STATUS, "500");
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

static void a_failed_check_is_a_check(void **state)
{
    struct farm *farm = farm_of(one, NULL);

    (void)state;
    fail_once(&farm->states[0], 3);
    assert_true(farm->states[0].checked);
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
        struct state *instance = &farm->states[0];
        instance->in_flight = cases[i].in_flight;
        pass(instance, cases[i].active);
        assert_int_equal(instance->active_jobs, cases[i].active);
        assert_int_equal(instance->external_jobs, cases[i].external);
        assert_int_equal(state_load(instance), cases[i].load);
        farm_free(farm);
    }
}

static void external_jobs_stay_as_they_were_at_the_report(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct state *instance = &farm->states[0];

    (void)state;
    instance->in_flight = 2;
    pass(instance, 5);
    instance->in_flight = 4;
    assert_int_equal(instance->external_jobs, 3);
    assert_int_equal(state_load(instance), 7);
    farm_free(farm);
}

static void a_failed_check_keeps_the_last_report(void **state)
{
    struct farm *farm = farm_of(one, NULL);
    struct state *instance = &farm->states[0];

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
    struct state *instance = &farm->states[0];
    struct moment now = at_ms(0);
    struct sample with_detail = sample_failed(CHECK_HTTP_STATUS, "%d", 500);
    struct sample without = sample_failed(CHECK_TIMED_OUT, "%s", "");

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
    struct state *instance = &farm->states[0];
    struct moment now = at_ms(0);
    char text[400];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    for (int reason = CHECK_PASSED + 1; reason < CHECK_REASON_COUNT; reason++) {
        struct sample sample = sample_failed((enum check_reason)reason, "%s", text);
        apply_check(instance, &sample, 3, &now);
        assert_int_equal(strlen(instance->error),
                         strlen(check_reason_text((enum check_reason)reason)) + strlen(": ") +
                             strlen(sample.detail));
    }
    farm_free(farm);
}

static void an_instance_is_found_by_its_number(void **state)
{
    static const char *const gaps[] = {"INSTANCE_2_URL=http://a", "INSTANCE_65535_URL=http://b",
                                       "INSTANCE_30_URL=http://c", NULL};
    struct farm *farm = farm_of(gaps, NULL);

    (void)state;
    assert_int_equal(farm->count, 3);
    assert_string_equal(farm_find(farm, 2)->url, "http://a");
    assert_string_equal(farm_find(farm, 30)->url, "http://c");
    assert_string_equal(farm_find(farm, 65535)->url, "http://b");
    assert_null(farm_find(farm, 0));
    assert_null(farm_find(farm, 1));
    assert_null(farm_find(farm, 3));
    assert_null(farm_find(farm, 4000000000U));
    farm_free(farm);
}

static void healthy_instances_are_counted(void **state)
{
    static const char *const three[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b",
                                        "INSTANCE_3_URL=http://c", NULL};
    struct farm *farm = farm_of(three, NULL);

    (void)state;
    assert_int_equal(farm_count_healthy(farm), 3);
    fail_once(&farm->states[1], 1);
    assert_int_equal(farm_count_healthy(farm), 2);
    fail_once(&farm->states[0], 1);
    fail_once(&farm->states[2], 1);
    assert_int_equal(farm_count_healthy(farm), 0);
    pass(&farm->states[2], 0);
    assert_int_equal(farm_count_healthy(farm), 1);
    farm_free(farm);
}

static void a_new_farm_takes_over_the_history_of_the_same_number_and_url(void **state)
{
    static const char *const before[] = {"INSTANCE_1_URL=http://a", "INSTANCE_3_URL=http://c",
                                         NULL};
    static const char *const after[] = {"INSTANCE_2_URL=http://b", "INSTANCE_3_URL=http://C:80/",
                                        NULL};
    struct farm *old = farm_of(before, NULL);
    struct state *known = farm_find(old, 3);

    (void)state;
    known->in_flight = 2;
    known->drained = true;
    known->missed = 6;
    known->check_ms = 12;
    pass(known, 7);
    fail_once(known, 3);
    fail_once(known, 2);
    known->changed_ms = 4321;
    struct farm *farm = farm_of(after, old);
    farm_free(old);
    const struct state *kept = farm_find(farm, 3);
    assert_int_equal(kept->number, 3);
    assert_string_equal(kept->url, "http://c");
    assert_true(kept->checked);
    assert_false(kept->healthy);
    assert_true(kept->drained);
    assert_int_equal(kept->failures, 2);
    assert_int_equal(kept->active_jobs, 7);
    assert_int_equal(kept->external_jobs, 5);
    assert_int_equal(kept->in_flight, 2);
    assert_int_equal(kept->missed, 6);
    assert_int_equal(kept->check_ms, 12);
    assert_int_equal(kept->passed, 1);
    assert_int_equal(kept->failed[CHECK_TIMED_OUT], 2);
    assert_int_equal(kept->changed_ms, 4321);
    assert_int_equal(kept->last_check.tv_sec, at_ms(0).wall.tv_sec);
    assert_string_equal(kept->error, "timed out");
    const struct state *new = farm_find(farm, 2);
    assert_false(new->checked);
    assert_true(new->healthy);
    assert_null(farm_find(farm, 1));
    farm_free(farm);
}

static void nothing_is_taken_over_from_another_url_or_number(void **state)
{
    static const char *const before[] = {"INSTANCE_1_URL=http://a", NULL};
    static const char *const other_url[] = {"INSTANCE_1_URL=http://a:81", NULL};
    static const char *const other_number[] = {"INSTANCE_2_URL=http://a", NULL};
    struct farm *old = farm_of(before, NULL);

    (void)state;
    fail_once(&old->states[0], 1);
    struct farm *farm = farm_of(other_url, old);
    assert_true(farm->states[0].healthy);
    assert_false(farm->states[0].checked);
    assert_int_equal(farm->states[0].failures, 0);
    farm_free(farm);
    farm = farm_of(other_number, old);
    assert_true(farm->states[0].healthy);
    assert_false(farm->states[0].checked);
    assert_int_equal(farm->states[0].number, 2);
    farm_free(farm);
    farm_free(old);
}

static void a_lower_limit_after_a_reload_counts_earlier_failures(void **state)
{
    struct farm *old = farm_of(one, NULL);

    (void)state;
    for (int i = 0; i < 4; i++)
        fail_once(&old->states[0], 10);
    struct farm *farm = farm_of(one, old);
    farm_free(old);
    assert_true(farm->states[0].healthy);
    assert_int_equal(fail_once(&farm->states[0], 3), STATE_BECAME_UNHEALTHY);
    assert_int_equal(farm->states[0].failures, 5);
    farm_free(farm);
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
        cmocka_unit_test(a_failed_check_is_a_check),
        cmocka_unit_test(external_jobs_are_the_active_ones_that_haproxy_does_not_have_open),
        cmocka_unit_test(external_jobs_stay_as_they_were_at_the_report),
        cmocka_unit_test(a_failed_check_keeps_the_last_report),
        cmocka_unit_test(an_error_is_the_reason_and_the_detail),
        cmocka_unit_test(the_longest_error_fits),
        cmocka_unit_test(an_instance_is_found_by_its_number),
        cmocka_unit_test(healthy_instances_are_counted),
        cmocka_unit_test(a_new_farm_takes_over_the_history_of_the_same_number_and_url),
        cmocka_unit_test(nothing_is_taken_over_from_another_url_or_number),
        cmocka_unit_test(a_lower_limit_after_a_reload_counts_earlier_failures),
    };

    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
