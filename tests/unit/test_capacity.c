#include "capacity.h"

#include "farm_helper.h"
#include "names.h"

static const char *const one[] = {"INSTANCE_1_URL=http://a", "INSTANCE_1_CAPACITY=7", NULL};
static const char *const three[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b",
                                    "INSTANCE_3_URL=http://c", NULL};

/* Three instances of these capacities; 0: read from reports. */
static struct config *config_with(const unsigned capacities[3])
{
    struct config *config = config_of(three);

    for (size_t i = 0; i < 3; i++) {
        config->instances[i].capacity_locator = capacities[i] == 0 ? "/slots" : NULL;
        if (capacities[i] > 0)
            config->instances[i].capacity = capacities[i];
    }
    return config;
}

static void check(unsigned first, unsigned second, unsigned third, bool is_compared, bool is_told)
{
    struct config *config = config_with((unsigned[]){first, second, third});

    assert_true(capacity_is_compared(config) == is_compared);
    assert_true(capacity_is_told(config) == is_told);
    config_free(config);
}

static void only_what_is_or_may_be_unequal_is_compared(void **state)
{
    (void)state;
    check(1, 1, 1, false, false);
    check(10000, 10000, 10000, false, false);
    check(4, 4, 5, true, false);
    check(5, 4, 4, true, false);
    check(0, 1, 1, true, true);
    check(4, 4, 0, true, true);
    check(0, 0, 0, true, true);
}

static void of_one_instance_alone_nothing_is_compared(void **state)
{
    (void)state;
    struct config *config = config_of(one);

    assert_false(capacity_is_compared(config));
    config->instances[0].capacity_locator = "/slots";
    assert_false(capacity_is_compared(config));
    assert_false(capacity_is_told(config));
    config_free(config);
}

/* --- What the agent makes of them --- */

static struct farm *farm_with(const unsigned capacities[3], const struct farm *previous)
{
    struct config *config = config_with(capacities);
    struct moment now = at_ms(0);
    struct farm *farm = farm_new(config, previous, &now);

    config_free(config);
    return farm;
}

static void pass_with(struct instance *instance, unsigned capacity)
{
    struct check_result result = passed(0);
    struct moment now = at_ms(0);

    result.capacity = capacity;
    apply_check(instance, &result, 3, &now);
}

static void a_report_says_the_capacity_where_it_is_asked(void **state)
{
    (void)state;
    struct farm *farm = farm_with((unsigned[]){0, 6, 1}, NULL);

    assert_int_equal(farm->instances[0].capacity, 1);
    pass_with(&farm->instances[0], 12);
    pass_with(&farm->instances[1], 0);
    assert_int_equal(farm->instances[0].capacity, 12);
    assert_int_equal(farm->instances[1].capacity, 6);
    pass_with(&farm->instances[0], 0); /* it doesn't say */
    assert_int_equal(farm->instances[0].capacity, 12);
    farm_free(farm);
}

static void a_reload_keeps_what_was_known_until_a_report_says_it(void **state)
{
    (void)state;
    struct farm *old = farm_with((unsigned[]){0, 0, 2}, NULL);

    pass_with(&old->instances[0], 12);
    pass_with(&old->instances[1], 12);
    struct farm *farm = farm_with((unsigned[]){0, 5, 0}, old);
    farm_free(old);
    assert_int_equal(farm->instances[0].capacity, 12);
    assert_int_equal(farm->instances[1].capacity, 5);
    assert_int_equal(farm->instances[2].capacity, 2);
    assert_true(farm->instances[0].tells_capacity);
    assert_false(farm->instances[1].tells_capacity);
    assert_true(farm->instances[1].compares_capacity);
    assert_int_equal(farm->instances[0].passed, 1);
    farm_free(farm);
}

/* What the word has beyond accepted jobs, in jobs. */
static uint32_t told_jobs(const struct instance *instance)
{
    return (0 - instance_word(instance)) / LOAD_UNIT;
}

static void a_penalty_counts_for_each_unit_where_capacities_are_compared(void **state)
{
    (void)state;
    struct farm *farm = farm_with((unsigned[]){4, 4, 5}, NULL);
    struct instance *instance = &farm->instances[2];

    instance->jobs_penalty = 7;
    assert_int_equal(instance_penalty(instance), 35);
    assert_int_equal(told_jobs(instance), 0); /* HAProxy adds its own by itself */
    strcpy(instance->error, "timed out");
    assert_int_equal(instance_penalty(instance), 35 + 5 * PENALTY_MAX);
    assert_int_equal(told_jobs(instance), 5 * PENALTY_MAX);
    farm_free(farm);
    farm = farm_with((unsigned[]){4, 4, 4}, NULL);
    farm->instances[2].jobs_penalty = 7;
    strcpy(farm->instances[2].error, "timed out");
    assert_int_equal(instance_penalty(&farm->instances[2]), 7 + PENALTY_MAX);
    assert_int_equal(told_jobs(&farm->instances[2]), PENALTY_MAX);
    farm_free(farm);
}

static void what_is_told_of_penalties_is_bounded(void **state)
{
    (void)state;
    struct farm *farm = farm_with((unsigned[]){1, 1, CAPACITY_MAX}, NULL);
    struct instance *instance = &farm->instances[2];

    strcpy(instance->error, "timed out");
    instance->drained = true;
    instance->forecast.expected = JOBS_MAX;
    assert_int_equal(told_jobs(instance), TOLD_PENALTY_MAX + DRAINED_LOAD + JOBS_MAX);
    farm_free(farm);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_or_may_be_unequal_is_compared),
        cmocka_unit_test(of_one_instance_alone_nothing_is_compared),
        cmocka_unit_test(a_report_says_the_capacity_where_it_is_asked),
        cmocka_unit_test(a_reload_keeps_what_was_known_until_a_report_says_it),
        cmocka_unit_test(a_penalty_counts_for_each_unit_where_capacities_are_compared),
        cmocka_unit_test(what_is_told_of_penalties_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
