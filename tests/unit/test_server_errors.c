#include "helper.h"
#include "instances/server_errors.h"
#include "names.h"

/* HAProxy's counters, so many ms after an arbitrary beginning; returns what is held. */
static unsigned look(struct server_errors *errors, int64_t ms, unsigned connections,
                     unsigned responses, unsigned successes)
{
    struct server_counters counters = {
        .failed_connections = connections, .failed_responses = responses, .successes = successes};

    server_errors_see(errors, &counters, 5000 + ms);
    assert_int_equal(errors->is_held, server_errors_penalty(errors) > 0);
    return server_errors_penalty(errors);
}

static void failures_in_a_row_weigh_more_and_more(void **state)
{
    struct server_errors errors = {0};

    (void)state;
    assert_int_equal(look(&errors, 0, 10, 20, 30), 0); /* of last week */
    assert_int_equal(look(&errors, 1, 10, 20, 30), 0);
    assert_int_equal(look(&errors, 2, 10, 21, 30), 1);
    assert_int_equal(look(&errors, 3, 10, 22, 30), 3);
    assert_int_equal(look(&errors, 4, 10, 22, 30), 3);
    assert_int_equal(look(&errors, 5, 11, 22, 30), 63);
    assert_int_equal(look(&errors, 6, 12, 23, 30), 2047);
    assert_int_equal(look(&errors, 7, 13, 23, 30), PENALTY_MAX);
    assert_int_equal(look(&errors, 8, 1000000, 2000000, 30), PENALTY_MAX);
}

static void a_success_ends_them(void **state)
{
    struct server_errors errors = {0};

    (void)state;
    look(&errors, 0, 0, 0, 0);
    /* Three at once are one event. */
    assert_int_equal(look(&errors, 1, 0, 3, 0), 1);
    assert_int_equal(look(&errors, 2, 0, 3, 1), 0);
    assert_int_equal(look(&errors, 3, 0, 4, 1), 1);
    /* A response that broke off may have been counted as a success when it began. */
    assert_int_equal(look(&errors, 4, 0, 5, 2), 3);
    /* Nobody knows in which order these came: the failure counts, but as a first. */
    assert_int_equal(look(&errors, 5, 0, 6, 4), 1);
}

static void they_are_held_for_ten_seconds_after_the_latest(void **state)
{
    struct server_errors errors = {0};

    (void)state;
    look(&errors, 0, 0, 0, 0);
    assert_int_equal(look(&errors, 1000, 0, 1, 0), 1);
    assert_int_equal(look(&errors, 6000, 0, 1, 0), 1);
    assert_int_equal(look(&errors, 1000 + SERVER_ERRORS_MS - 1, 0, 1, 0), 1);
    assert_int_equal(look(&errors, 1000 + SERVER_ERRORS_MS + 10, 0, 1, 0), 0);
    /* The job that tried it again failed too: twice in a row, and held anew. */
    assert_int_equal(look(&errors, 12000, 0, 2, 0), 3);
    assert_int_equal(look(&errors, 12000 + SERVER_ERRORS_MS - 1, 0, 2, 0), 3);
    assert_int_equal(look(&errors, 12000 + SERVER_ERRORS_MS + 20, 0, 2, 0), 0);
}

static void many_in_a_row_are_held_for_a_minute(void **state)
{
    struct server_errors errors = {0};

    (void)state;
    look(&errors, 0, 0, 0, 0);
    assert_int_equal(look(&errors, 0, 97, 0, 0), 15);
    assert_int_equal(look(&errors, 0, 98, 0, 0), 255);
    assert_int_equal(look(&errors, 0, 99, 0, 0), 4095);
    assert_int_equal(look(&errors, 0, 100, 0, 0), PENALTY_MAX);
    assert_int_equal(look(&errors, SERVER_ERRORS_MAX_MS - 1, 100, 0, 0), PENALTY_MAX);
    assert_int_equal(look(&errors, SERVER_ERRORS_MAX_MS, 100, 0, 0), 0);
    look(&errors, 70000, 100, 0, 1);
    look(&errors, 70001, 101, 0, 1);
    look(&errors, 70001, 102, 0, 1);
    assert_int_equal(look(&errors, 70001, 103, 0, 1), 4095);
    assert_int_equal(look(&errors, 70001 + 22000, 103, 0, 1), 4095); /* a quarter of the way */
    assert_int_equal(look(&errors, 70001 + 23000, 103, 0, 1), 0);
}

static void the_counters_of_a_new_process_are_no_failures(void **state)
{
    struct server_errors errors = {0};

    (void)state;
    look(&errors, 0, 5, 5, 5);
    assert_int_equal(look(&errors, 1, 4, 9, 5), 0);
    assert_int_equal(look(&errors, 2, 9, 8, 5), 0);
    assert_int_equal(look(&errors, 3, 10, 10, 4), 0);
    assert_int_equal(look(&errors, 4, 10, 11, 4), 1);
    server_errors_expect_process(&errors);
    assert_int_equal(look(&errors, 5, 50, 50, 3), 1); /* no more, and no less */
    assert_int_equal(look(&errors, 6, 50, 51, 3), 3);
}

static void what_is_forgiven_is_held_no_more_and_begins_anew(void **state)
{
    struct server_errors errors = {0};

    (void)state;
    look(&errors, 0, 0, 0, 0);
    look(&errors, 1, 0, 1, 0);
    assert_int_equal(look(&errors, 2, 0, 2, 0), 3);
    server_errors_forgive(&errors);
    assert_int_equal(server_errors_penalty(&errors), 0);
    assert_int_equal(look(&errors, 3, 0, 2, 0), 0);
    assert_int_equal(look(&errors, 4, 0, 3, 0), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_weigh_more_and_more),
        cmocka_unit_test(a_success_ends_them),
        cmocka_unit_test(they_are_held_for_ten_seconds_after_the_latest),
        cmocka_unit_test(many_in_a_row_are_held_for_a_minute),
        cmocka_unit_test(the_counters_of_a_new_process_are_no_failures),
        cmocka_unit_test(what_is_forgiven_is_held_no_more_and_begins_anew),
    };

    return cmocka_run_group_tests_name("server_errors", tests, NULL, NULL);
}
