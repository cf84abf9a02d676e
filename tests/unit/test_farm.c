#include "farm_helper.h"

static const char *const two[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b", NULL};

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
    fail_once(&farm->instances[1], 1);
    assert_int_equal(farm_count_healthy(farm), 2);
    fail_once(&farm->instances[0], 1);
    fail_once(&farm->instances[2], 1);
    assert_int_equal(farm_count_healthy(farm), 0);
    pass(&farm->instances[2], 0);
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
    struct instance *known = farm_find(old, 3);

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
    const struct instance *kept = farm_find(farm, 3);
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
    const struct instance *new = farm_find(farm, 2);
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
    fail_once(&old->instances[0], 1);
    struct farm *farm = farm_of(other_url, old);
    assert_true(farm->instances[0].healthy);
    assert_false(farm->instances[0].checked);
    assert_int_equal(farm->instances[0].failures, 0);
    farm_free(farm);
    farm = farm_of(other_number, old);
    assert_true(farm->instances[0].healthy);
    assert_false(farm->instances[0].checked);
    assert_int_equal(farm->instances[0].number, 2);
    farm_free(farm);
    farm_free(old);
}

static void one_that_is_drained_or_in_maintenance_is_withdrawn(void **state)
{
    struct farm *farm = farm_of(two, NULL);

    (void)state;
    assert_false(farm_has_withdrawn(farm));
    farm->instances[1].drained = true;
    assert_true(farm_has_withdrawn(farm));
    farm->instances[1].drained = false;
    farm->instances[0].maintained = true;
    assert_true(farm_has_withdrawn(farm));
    farm->instances[0].maintained = false;
    farm->instances[0].leaving = true;
    assert_true(farm_has_withdrawn(farm));
    farm_free(farm);
}

/* By its configuration, whatever the one before said, and HAProxy's operator. */
static void one_that_is_leaving_is_drained_until_it_is_back(void **state)
{
    static const struct moment now = {0};
    struct config *config = config_of(two);
    struct farm *first = farm_new(config, NULL, &now);
    uint32_t word = instance_word(&first->instances[1]);

    (void)state;
    config->instances[1].is_leaving = true;
    struct farm *second = farm_new(config, first, &now);
    assert_false(instance_is_drained(&second->instances[0]));
    assert_true(instance_is_drained(&second->instances[1]));
    assert_false(second->instances[1].drained);
    assert_true(instance_word(&second->instances[1]) != word);
    config->instances[1].is_leaving = false;
    struct farm *third = farm_new(config, second, &now);
    assert_false(instance_is_drained(&third->instances[1]));
    assert_int_equal(instance_word(&third->instances[1]), word);
    third->instances[1].drained = true;
    assert_true(instance_is_drained(&third->instances[1]));
    farm_free(third);
    farm_free(second);
    farm_free(first);
    config_free(config);
}

/* Those that get no jobs have no say. */
static void all_fail_alike_if_each_that_may_get_jobs_does(void **state)
{
    struct farm *farm = farm_of(two, NULL);

    (void)state;
    assert_false(farm_fails_alike(farm));
    farm->instances[0].jobs_penalty = 3;
    assert_false(farm_fails_alike(farm));
    farm->instances[1].drained = true;
    assert_true(farm_fails_alike(farm));
    farm->instances[1].drained = false;
    farm->instances[1].errors = (struct server_errors){.penalty = 15, .is_held = true};
    assert_true(farm_fails_alike(farm));
    farm->instances[1].errors.is_held = false;
    assert_false(farm_fails_alike(farm));
    farm->instances[0].maintained = farm->instances[1].maintained = true;
    assert_false(farm_fails_alike(farm));
    farm_free(farm);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_is_found_by_its_number),
        cmocka_unit_test(healthy_instances_are_counted),
        cmocka_unit_test(a_new_farm_takes_over_the_history_of_the_same_number_and_url),
        cmocka_unit_test(nothing_is_taken_over_from_another_url_or_number),
        cmocka_unit_test(one_that_is_drained_or_in_maintenance_is_withdrawn),
        cmocka_unit_test(one_that_is_leaving_is_drained_until_it_is_back),
        cmocka_unit_test(all_fail_alike_if_each_that_may_get_jobs_does),
    };

    return cmocka_run_group_tests_name("farm", tests, NULL, NULL);
}
