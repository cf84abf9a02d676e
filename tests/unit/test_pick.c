#include "explain/pick.h"

#include "helper.h"
#include "names.h"

#define ROOM (1U << 30)

static struct candidate instance(unsigned number, uint32_t in_flight, uint32_t external)
{
    return (struct candidate){.number = number,
                              .is_up = true,
                              .weight = 100,
                              .in_flight = in_flight,
                              .word = 0U - LOAD_UNIT * external,
                              .capacity = 1};
}

static void the_least_load_is_picked_and_equal_ones_are_all_named(void **state)
{
    const struct candidate all[] = {instance(1, 2, 1), instance(2, 0, 2), instance(3, 2, 0)};
    struct verdict verdicts[3];

    (void)state;
    assert_int_equal(pick(all, 3, false, verdicts), 2);
    assert_int_equal(verdicts[0].outcome, HAS_MORE);
    assert_int_equal(verdicts[0].load, 3 * LOAD_UNIT);
    assert_int_equal(verdicts[0].unseen, 1 * LOAD_UNIT);
    assert_int_equal(verdicts[1].outcome, PICKED);
    assert_int_equal(verdicts[2].outcome, PICKED);
}

static void a_sixteenth_of_a_job_decides(void **state)
{
    struct candidate all[] = {instance(1, 0, 1), instance(2, 0, 1)};
    struct verdict verdicts[2];

    (void)state;
    all[1].word += 1;
    assert_int_equal(pick(all, 2, false, verdicts), 1);
    assert_int_equal(verdicts[1].outcome, PICKED);
}

/* The word is 16 accepted jobs as of a report less the external ones, modulo 2^32. */
static void accepted_jobs_count_from_the_report_on(void **state)
{
    struct candidate one = instance(1, 0, 0);
    struct verdict verdict;

    (void)state;
    one.accepted = 4000000000U;
    one.word = (uint32_t)(LOAD_UNIT * (4000000000U - 3) - 2 * LOAD_UNIT);
    assert_int_equal(pick(&one, 1, false, &verdict), 1);
    assert_int_equal(verdict.load, 5 * LOAD_UNIT);
}

static void those_that_are_down_or_weigh_nothing_are_not_picked(void **state)
{
    struct candidate all[] = {instance(1, 0, 0), instance(2, 0, 0), instance(3, 9, 9)};
    struct verdict verdicts[3];

    (void)state;
    all[0].is_up = false;
    all[1].weight = 0;
    assert_int_equal(pick(all, 3, false, verdicts), 1);
    assert_int_equal(verdicts[0].outcome, IS_DOWN);
    assert_int_equal(verdicts[1].outcome, HAS_NO_WEIGHT);
    assert_int_equal(verdicts[2].outcome, PICKED);
    all[2].is_up = false;
    assert_int_equal(pick(all, 3, false, verdicts), 0);
    assert_int_equal(pick(all, 0, false, verdicts), 0);
}

static void a_penalty_counts_once_for_each_unit_of_capacity(void **state)
{
    struct candidate all[] = {instance(1, 0, 0), instance(2, 5, 0)};
    struct verdict verdicts[2];

    (void)state;
    all[0].penalty = 3;
    all[0].capacity = 10;
    assert_int_equal(pick(all, 2, false, verdicts), 1);
    assert_int_equal(verdicts[0].outcome, PICKED);
    assert_int_equal(pick(all, 2, true, verdicts), 1);
    /* 31 / 10 and 6 / 1. */
    assert_int_equal(verdicts[0].outcome, PICKED);
    assert_int_equal(verdicts[0].load, 30 * LOAD_UNIT);
    all[0].penalty = 7;
    assert_int_equal(pick(all, 2, true, verdicts), 1);
    assert_int_equal(verdicts[1].outcome, PICKED);
}

static void fractions_are_compared_exactly(void **state)
{
    /* 9998 / 9999 < 9999 / 10000; (0 + 1) / 1 = (9999 + 1) / 10000. */
    struct candidate all[] = {instance(1, 9998, 0), instance(2, 9997, 0), instance(3, 0, 0)};
    struct verdict verdicts[3];

    (void)state;
    all[0].capacity = 10000;
    all[1].capacity = 9999;
    assert_int_equal(pick(all, 3, true, verdicts), 1);
    assert_int_equal(verdicts[1].outcome, PICKED);
    assert_true(pick_compare(&all[0], &verdicts[0], &all[1], &verdicts[1], true) > 0);
    all[0].in_flight = 9999;
    all[1].in_flight = 9998;
    assert_int_equal(pick(all, 3, true, verdicts), 3);
}

static void a_load_beyond_what_the_rules_count_to_is_not_picked(void **state)
{
    struct candidate all[] = {instance(1, ROOM / LOAD_UNIT, 0), instance(2, ROOM / LOAD_UNIT, 1)};
    struct verdict verdicts[2];

    (void)state;
    assert_int_equal(pick(all, 2, false, verdicts), 1);
    assert_int_equal(verdicts[0].outcome, PICKED);
    assert_int_equal(verdicts[1].outcome, HAS_NO_ROOM);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_load_is_picked_and_equal_ones_are_all_named),
        cmocka_unit_test(a_sixteenth_of_a_job_decides),
        cmocka_unit_test(accepted_jobs_count_from_the_report_on),
        cmocka_unit_test(those_that_are_down_or_weigh_nothing_are_not_picked),
        cmocka_unit_test(a_penalty_counts_once_for_each_unit_of_capacity),
        cmocka_unit_test(fractions_are_compared_exactly),
        cmocka_unit_test(a_load_beyond_what_the_rules_count_to_is_not_picked),
    };

    return cmocka_run_group_tests_name("pick", tests, NULL, NULL);
}
