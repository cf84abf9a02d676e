#include "helper.h"
#include "instances/tally.h"

/* An arbitrary beginning, at no slot's. */
#define BEGINNING_MS 1234567

static struct tally_news look(struct tally *tally, int64_t ms, uint64_t sessions,
                              unsigned connections, unsigned responses, unsigned answers)
{
    struct server_counters counters = {.failed_connections = connections,
                                       .failed_responses = responses,
                                       .failed_answers = answers};

    return tally_see(tally, sessions, &counters, BEGINNING_MS + ms);
}

static int rounded(const struct tally *tally, int64_t ms)
{
    return (int)(tally_per_minute(tally, BEGINNING_MS + ms) + 0.5);
}

static void what_was_before_the_first_look_is_at_no_minute(void **state)
{
    struct tally tally = {0};

    (void)state;
    assert_int_equal(rounded(&tally, 0), 0);
    struct tally_news news = look(&tally, 0, 1000000, 5, 6, 7);
    assert_int_equal(news.failed_connections + news.failed_responses + news.failed_answers, 0);
    assert_int_equal(rounded(&tally, 0), 0);
    assert_int_equal(tally.failed_jobs, 13);
}

static void right_after_the_first_look_it_is_over_the_time_that_there_is(void **state)
{
    struct tally tally = {0};

    (void)state;
    look(&tally, 0, 100, 0, 0, 0);
    look(&tally, 10000, 110, 0, 0, 0);
    assert_int_equal(rounded(&tally, 10000), 60);
    assert_int_equal(rounded(&tally, 20000), 30);
}

static void one_job_in_the_first_moment_is_not_hundreds_a_minute(void **state)
{
    struct tally tally = {0};

    (void)state;
    look(&tally, 0, 0, 0, 0, 0);
    look(&tally, 100, 1, 0, 0, 0);
    assert_int_equal(rounded(&tally, 100), 12);
}

static void jobs_of_a_steady_pace_are_that_many_a_minute(void **state)
{
    struct tally tally = {0};
    int64_t ms = 0;

    (void)state;
    for (unsigned jobs = 0; jobs < 2000; jobs++, ms += 250) {
        look(&tally, ms, jobs, 0, 0, 0);
        if (ms >= 60000 && (rounded(&tally, ms) < 238 || rounded(&tally, ms) > 242))
            fail_msg("%d a minute after %d ms", rounded(&tally, ms), (int)ms);
    }
}

static void jobs_of_more_than_a_minute_ago_are_forgotten(void **state)
{
    struct tally tally = {0};

    (void)state;
    look(&tally, 0, 0, 0, 0, 0);
    look(&tally, 1000, 50, 0, 0, 0);
    assert_in_range(rounded(&tally, 50000), 50, 60);
    /* Whether it was looked at since, or not. */
    assert_int_equal(rounded(&tally, 62000), 0);
    look(&tally, 62000, 50, 0, 0, 0);
    assert_int_equal(rounded(&tally, 62000), 0);
    look(&tally, 10000000, 50, 0, 0, 0);
    assert_int_equal(rounded(&tally, 10000000), 0);
    look(&tally, 10000100, 51, 0, 0, 0);
    assert_int_equal(rounded(&tally, 10000100), 1);
}

static void a_new_process_counts_from_0(void **state)
{
    struct tally tally = {0};

    (void)state;
    look(&tally, 0, 1000, 10, 20, 30);
    look(&tally, 60000, 1000, 10, 20, 30);
    struct tally_news news = look(&tally, 61000, 6, 1, 2, 3);
    assert_int_equal(news.failed_connections, 1);
    assert_int_equal(news.failed_responses, 2);
    assert_int_equal(news.failed_answers, 3);
    assert_int_equal(tally.failed_jobs, 50 + 5);
    assert_in_range(rounded(&tally, 61000), 5, 6);
}

static void a_connection_that_fails_is_no_job_there(void **state)
{
    struct tally tally = {0};

    (void)state;
    look(&tally, 0, 100, 0, 0, 0);
    look(&tally, 1000, 105, 0, 0, 0);
    look(&tally, 7000, 105, 5, 0, 0);
    assert_int_equal(rounded(&tally, 7000), 0);
    /* Once the slot that they were sent in is over, the later one must not owe them. */
    look(&tally, 61500, 115, 5, 0, 0);
    assert_in_range(rounded(&tally, 61500), 0, 11);
    assert_int_equal(tally.failed_jobs, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_before_the_first_look_is_at_no_minute),
        cmocka_unit_test(right_after_the_first_look_it_is_over_the_time_that_there_is),
        cmocka_unit_test(one_job_in_the_first_moment_is_not_hundreds_a_minute),
        cmocka_unit_test(jobs_of_a_steady_pace_are_that_many_a_minute),
        cmocka_unit_test(jobs_of_more_than_a_minute_ago_are_forgotten),
        cmocka_unit_test(a_new_process_counts_from_0),
        cmocka_unit_test(a_connection_that_fails_is_no_job_there),
    };

    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
