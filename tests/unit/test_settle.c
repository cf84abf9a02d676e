#include "helper.h"
#include "run/settle.h"

#define START 1000000

static void nothing_is_read_before_a_change(void **state)
{
    struct settle settle = {0};

    (void)state;
    assert_false(settle_take(&settle, START));
}

static void a_change_is_read_once_when_the_file_is_left_alone(void **state)
{
    struct settle settle = {0};

    (void)state;
    settle_note_change(&settle, START);
    assert_false(settle_take(&settle, START + SETTLE_QUIET_MS - 1));
    assert_true(settle_take(&settle, START + SETTLE_QUIET_MS));
    assert_false(settle_take(&settle, START + 10 * SETTLE_QUIET_MS));
}

static void each_further_change_begins_the_quiet_anew(void **state)
{
    struct settle settle = {0};

    (void)state;
    settle_note_change(&settle, START);
    settle_note_change(&settle, START + 200);
    assert_false(settle_take(&settle, START + SETTLE_QUIET_MS));
    assert_true(settle_take(&settle, START + 200 + SETTLE_QUIET_MS));
}

static void a_file_that_changes_without_end_is_read_all_the_same(void **state)
{
    struct settle settle = {0};
    int64_t now = START;
    unsigned taken = 0;

    (void)state;
    for (; now < START + 10 * SETTLE_MOST_MS; now += 10) {
        settle_note_change(&settle, now);
        taken += settle_take(&settle, now);
    }
    assert_in_range(taken, 9, 10);
}

static void reloads_are_apart(void **state)
{
    struct settle settle = {0};

    (void)state;
    settle_note_reload(&settle, START);
    settle_note_change(&settle, START + 10);
    assert_false(settle_take(&settle, START + SETTLE_GAP_MS - 1));
    assert_true(settle_take(&settle, START + SETTLE_GAP_MS));
}

static void what_has_failed_is_tried_again_after_growing_pauses(void **state)
{
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct settle settle = {0};
    int64_t now = START;

    (void)state;
    assert_false(settle_take_retry(&settle, now));
    for (size_t i = 0; i < COUNT(pauses); i++) {
        settle_note_failure(&settle, now);
        assert_false(settle_take_retry(&settle, now + pauses[i] - 1));
        now += pauses[i];
        assert_true(settle_take_retry(&settle, now));
        assert_false(settle_take_retry(&settle, now));
    }
}

static void a_change_goes_before_another_try(void **state)
{
    struct settle settle = {0};

    (void)state;
    settle_note_failure(&settle, START);
    settle_note_failure(&settle, START);
    settle_note_change(&settle, START);
    assert_true(settle_take(&settle, START + SETTLE_QUIET_MS));
    assert_false(settle_take_retry(&settle, START + SETTLE_RETRY_MOST_MS));
    settle_note_failure(&settle, START);
    assert_true(settle_take_retry(&settle, START + SETTLE_RETRY_FIRST_MS));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_read_before_a_change),
        cmocka_unit_test(a_change_is_read_once_when_the_file_is_left_alone),
        cmocka_unit_test(each_further_change_begins_the_quiet_anew),
        cmocka_unit_test(a_file_that_changes_without_end_is_read_all_the_same),
        cmocka_unit_test(reloads_are_apart),
        cmocka_unit_test(what_has_failed_is_tried_again_after_growing_pauses),
        cmocka_unit_test(a_change_goes_before_another_try),
    };

    return cmocka_run_group_tests_name("settle", tests, NULL, NULL);
}
