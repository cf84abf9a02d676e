#include "haproxy/presence.h"
#include "helper.h"
#include "log.h"

static struct presence new_presence(void)
{
    log_set_level(LOG_ERROR);
    return (struct presence){.socket = "/run/socket"};
}

static void what_it_is_at_first_is_news(void **state)
{
    struct presence presence = new_presence();

    (void)state;
    assert_false(presence.is_known);
    presence_absent(&presence, "no such file");
    assert_true(presence.is_known);
    assert_false(presence.is_present);
    assert_int_equal(presence.answers + presence.failures, 0);
}

static void answers_and_failures_are_counted(void **state)
{
    struct presence presence = new_presence();

    (void)state;
    presence_answered(&presence);
    presence_answered(&presence);
    presence_failed(&presence, "no answer in time");
    presence_failed(&presence, "no answer in time");
    presence_failed(&presence, "no answer in time");
    presence_absent(&presence, "refused");
    assert_int_equal(presence.answers, 2);
    assert_int_equal(presence.failures, 3);
}

/* A failure says nothing of whether it is there: what comes after it is news again. */
static void a_failure_leaves_it_as_it_was_and_is_told_once(void **state)
{
    struct presence presence = new_presence();

    (void)state;
    presence_answered(&presence);
    presence_failed(&presence, "no answer in time");
    assert_true(presence.is_present);
    assert_false(presence.is_known);
    assert_string_equal(presence.problem, "no answer in time");
    presence_failed(&presence, "it closed the connection");
    assert_string_equal(presence.problem, "it closed the connection");
    presence_answered(&presence);
    assert_true(presence.is_known);
    assert_string_equal(presence.problem, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_is_at_first_is_news),
        cmocka_unit_test(answers_and_failures_are_counted),
        cmocka_unit_test(a_failure_leaves_it_as_it_was_and_is_told_once),
    };

    return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
