#include "drain/hold.h"

#include "helper.h"

static void a_process_that_stays_is_trusted_sooner_by_its_master(void **state)
{
    struct hold hold = {0};

    (void)state;
    assert_int_equal(hold_look(&hold, 7, 7, 5000), HOLD_NEW);
    assert_int_equal(hold_look(&hold, 7, 7, 5000 + HOLD_BY_MASTER_MS - 1), HOLD_WAIT);
    assert_int_equal(hold_look(&hold, 7, 0, 5000 + HOLD_BY_MASTER_MS), HOLD_WAIT);
    assert_int_equal(hold_look(&hold, 7, 7, 5000 + HOLD_BY_MASTER_MS), HOLD_SURE);
    assert_int_equal(hold_look(&hold, 7, 0, 5000 + HOLD_ALONE_MS), HOLD_SURE);
}

static void another_process_is_told_again(void **state)
{
    struct hold hold = {0};

    (void)state;
    assert_int_equal(hold_look(&hold, 7, 0, 0), HOLD_NEW);
    assert_int_equal(hold_look(&hold, 8, 0, 900), HOLD_NEW);
    assert_int_equal(hold_look(&hold, 8, 0, HOLD_ALONE_MS), HOLD_WAIT);
    assert_int_equal(hold_look(&hold, 8, 0, 900 + HOLD_ALONE_MS), HOLD_SURE);
}

/* The old one answers still, while the master has the new one. */
static void one_that_has_been_replaced_is_never_trusted(void **state)
{
    struct hold hold = {0};

    (void)state;
    assert_int_equal(hold_look(&hold, 7, 7, 0), HOLD_NEW);
    assert_int_equal(hold_look(&hold, 7, 8, 5000), HOLD_WAIT);
    assert_int_equal(hold_look(&hold, 7, 0, 5100), HOLD_WAIT);
    assert_int_equal(hold_look(&hold, 7, -1, 9000), HOLD_WAIT);
    assert_int_equal(hold_look(&hold, 8, 8, 5200), HOLD_NEW);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_stays_is_trusted_sooner_by_its_master),
        cmocka_unit_test(another_process_is_told_again),
        cmocka_unit_test(one_that_has_been_replaced_is_never_trusted),
    };

    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
