#include "helper.h"
#include "instances/failures.h"

static const struct timespec noon = {.tv_sec = 1700000000};

static void there_are_none_at_first(void **state)
{
    static const struct failures failures;

    (void)state;
    assert_null(failures_get(&failures, 0));
    assert_null(failures_get(&failures, FAILURES_MAX - 1));
}

static void the_latest_comes_first_and_the_oldest_makes_room(void **state)
{
    static struct failures failures;

    (void)state;
    for (unsigned i = 0; i < 3 * FAILURES_MAX + 7; i++) {
        failures_add(&failures, FAILURE_OF_CHECK, i, &noon, "failure %u", i);
        for (unsigned age = 0; age <= i && age < FAILURES_MAX; age++)
            assert_int_equal(failures_get(&failures, age)->number, i - age);
        if (i + 1 < FAILURES_MAX)
            assert_null(failures_get(&failures, i + 1));
        assert_null(failures_get(&failures, FAILURES_MAX));
    }
    assert_string_equal(failures_get(&failures, 0)->message, "failure 156");
    assert_int_equal(failures_get(&failures, 0)->at.tv_sec, noon.tv_sec);
}

static void a_message_has_a_bound(void **state)
{
    static struct failures failures;
    char text[2 * FAILURE_MESSAGE_MAX];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    failures_add(&failures, FAILURE_OF_JOB, 1, &noon, "%s", text);
    assert_int_equal(strlen(failures_get(&failures, 0)->message), FAILURE_MESSAGE_MAX - 1);
}

static void each_way_to_fail_has_its_own(void **state)
{
    static struct failures failures;
    const struct tally_news none = {0};
    const struct tally_news some = {
        .failed_connections = 1, .failed_responses = 2, .failed_answers = 3};

    (void)state;
    failures_note_jobs(&failures, 7, &none, &noon);
    assert_null(failures_get(&failures, 0));
    failures_note_jobs(&failures, 7, &some, &noon);
    assert_int_equal(failures.count, 3);
    assert_string_equal(failures_get(&failures, 0)->message, "1 connection failed: sent elsewhere");
    assert_string_equal(failures_get(&failures, 1)->message,
                        "2 responses didn't come or broke off");
    assert_string_equal(failures_get(&failures, 2)->message,
                        "answered 3 jobs with a status of 5xx");
    assert_int_equal(failures_get(&failures, 2)->number, 7);
    assert_int_equal(failures_get(&failures, 2)->kind, FAILURE_OF_JOB);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_none_at_first),
        cmocka_unit_test(the_latest_comes_first_and_the_oldest_makes_room),
        cmocka_unit_test(a_message_has_a_bound),
        cmocka_unit_test(each_way_to_fail_has_its_own),
    };

    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
