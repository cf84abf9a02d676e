#include "haproxy/mismatch.h"
#include "helper.h"

/* The clock stands far from 0, where an untouched field would look like a time. */
#define START 1000000

struct time_line {
    struct mismatch mismatch;
    uint64_t signs;
    uint64_t questions;
    int64_t now;
};

/* Looks each second of `seconds`; returns how often it was time to warn. */
static unsigned pass(struct time_line *line, unsigned seconds, bool sign, bool question)
{
    unsigned warnings = 0;

    for (unsigned i = 0; i < seconds; i++) {
        line->now += 1000;
        line->signs += sign;
        line->questions += question;
        warnings += mismatch_look(&line->mismatch, line->signs, line->questions, line->now);
    }
    return warnings;
}

/* With a sign, and so with ten seconds before anything can be said. */
static struct time_line begin(void)
{
    struct time_line line = {.now = START};

    mismatch_start(&line.mismatch, line.now);
    assert_int_equal(pass(&line, 1, true, false), 0);
    return line;
}

static void questions_for_ten_seconds_without_a_sign_are_a_mismatch_once(void **state)
{
    struct time_line line = begin();

    (void)state;
    assert_int_equal(pass(&line, 10, false, true), 0);
    assert_int_equal(pass(&line, 1, false, true), 1);
    assert_int_equal(pass(&line, 600, false, true), 0);
}

static void a_haproxy_behind_the_socket_is_none(void **state)
{
    struct time_line line = begin();

    (void)state;
    assert_int_equal(pass(&line, 60, true, true), 0);
    assert_int_equal(pass(&line, 9, false, true), 0);
    assert_int_equal(pass(&line, 60, true, true), 0);
}

static void no_haproxy_at_all_is_none(void **state)
{
    struct time_line line = begin();

    (void)state;
    assert_int_equal(pass(&line, 600, false, false), 0);
}

static void one_that_has_ended_is_none(void **state)
{
    struct time_line line = begin();

    (void)state;
    assert_int_equal(pass(&line, 60, true, true), 0);
    assert_int_equal(pass(&line, 600, false, false), 0);
}

/* It asks as soon as it starts, maybe before its socket is looked at. */
static void one_that_starts_late_is_none(void **state)
{
    struct time_line line = begin();

    (void)state;
    assert_int_equal(pass(&line, 600, false, false), 0);
    assert_int_equal(pass(&line, 2, false, true), 0);
    assert_int_equal(pass(&line, 600, true, true), 0);
}

static void agent_checks_may_be_a_second_apart_and_late(void **state)
{
    struct time_line line = begin();
    unsigned warnings = 0;

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        warnings += pass(&line, 1, false, true);
        warnings += pass(&line, 1, false, false);
    }
    assert_int_equal(warnings, 1);
}

static void a_stray_question_now_and_then_is_none(void **state)
{
    struct time_line line = begin();

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(pass(&line, 1, false, true), 0);
        assert_int_equal(pass(&line, 4, false, false), 0);
    }
}

static void after_a_sign_it_may_be_said_again(void **state)
{
    struct time_line line = begin();

    (void)state;
    assert_int_equal(pass(&line, 20, false, true), 1);
    assert_int_equal(pass(&line, 1, true, true), 0);
    assert_int_equal(pass(&line, 9, false, true), 0);
    assert_int_equal(pass(&line, 1, false, true), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_for_ten_seconds_without_a_sign_are_a_mismatch_once),
        cmocka_unit_test(a_haproxy_behind_the_socket_is_none),
        cmocka_unit_test(no_haproxy_at_all_is_none),
        cmocka_unit_test(one_that_has_ended_is_none),
        cmocka_unit_test(one_that_starts_late_is_none),
        cmocka_unit_test(agent_checks_may_be_a_second_apart_and_late),
        cmocka_unit_test(a_stray_question_now_and_then_is_none),
        cmocka_unit_test(after_a_sign_it_may_be_said_again),
    };

    return cmocka_run_group_tests_name("mismatch", tests, NULL, NULL);
}
