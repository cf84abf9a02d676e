#include "drain/last_jobs.h"

#include "helper.h"

/* HAProxy's counts of a moment, and what the agent says a moment later. */
struct moment_seen {
    int64_t ms;
    unsigned in_flight;
    unsigned sessions;
    double active;   /* as last reported */
    double shown;    /* in flight, as the agent has it */
    double accepted; /* the same */
    double age_s;    /* of the last report; below 0: none */
};

static bool look(struct last_jobs *jobs, struct moment_seen seen)
{
    const struct server server = {.in_flight = seen.in_flight, .sessions = seen.sessions};
    const struct fleet_instance instance = {.active_jobs = seen.active,
                                            .in_flight = seen.shown,
                                            .accepted_jobs = seen.accepted,
                                            .report_age_s = seen.age_s};

    return last_jobs_look(jobs, &server, seen.ms, &instance, seen.ms + 1);
}

static void an_idle_one_is_done_with_the_first_report(void **state)
{
    struct last_jobs jobs = {0};

    (void)state;
    assert_false(look(&jobs, (struct moment_seen){.ms = 1000, .sessions = 9, .age_s = 20}));
    assert_false(look(&jobs, (struct moment_seen){.ms = 1250, .sessions = 9, .age_s = 20.2}));
    /* It came after the first look, since when nothing has. */
    assert_true(look(&jobs, (struct moment_seen){.ms = 1500, .sessions = 9, .age_s = 0.2}));
}

static void a_report_of_before_is_too_old(void **state)
{
    struct last_jobs jobs = {0};

    (void)state;
    look(&jobs, (struct moment_seen){.ms = 1000, .sessions = 9, .age_s = 0.5});
    /* Told in tenths, this one may have come a moment before the first look. */
    assert_false(look(&jobs, (struct moment_seen){.ms = 1300, .sessions = 9, .age_s = 0.3}));
    assert_true(look(&jobs, (struct moment_seen){.ms = 1300, .sessions = 9, .age_s = 0.2}));
}

static void a_job_that_is_open_or_came_and_went_needs_a_later_report(void **state)
{
    struct last_jobs jobs = {0};

    (void)state;
    look(&jobs, (struct moment_seen){.ms = 1000, .sessions = 9, .age_s = 0.1});
    assert_false(look(
        &jobs, (struct moment_seen){.ms = 2000, .in_flight = 1, .sessions = 10, .age_s = 0.1}));
    /* It has just gone, and may go on there. */
    assert_false(look(&jobs, (struct moment_seen){.ms = 3000, .sessions = 10, .age_s = 0.5}));
    assert_true(look(&jobs, (struct moment_seen){.ms = 4000, .sessions = 10, .age_s = 0.5}));
    assert_false(look(&jobs, (struct moment_seen){.ms = 5000, .sessions = 11, .age_s = 0.5}));
    assert_true(look(&jobs, (struct moment_seen){.ms = 6000, .sessions = 11, .age_s = 0.5}));
}

static void what_haproxy_cannot_see_is_waited_for(void **state)
{
    struct last_jobs jobs = {0};

    (void)state;
    look(&jobs, (struct moment_seen){.ms = 0});
    assert_false(look(&jobs, (struct moment_seen){.ms = 9000, .active = 2}));
    assert_true(jobs.others == 2 && jobs.in_flight == 0 && jobs.is_reported);
    assert_false(look(&jobs, (struct moment_seen){.ms = 9000, .accepted = 1}));
    assert_true(jobs.others == 1);
    /* The agent's own counts are of a moment ago. */
    assert_false(look(&jobs, (struct moment_seen){.ms = 9000, .active = 1, .shown = 1}));
    assert_true(look(&jobs, (struct moment_seen){.ms = 9000}));
}

static void without_a_report_nobody_knows(void **state)
{
    const struct server server = {.sessions = 1};
    struct last_jobs jobs = {0};

    (void)state;
    look(&jobs, (struct moment_seen){.ms = 0, .sessions = 1});
    assert_false(look(&jobs, (struct moment_seen){.ms = 9000, .sessions = 1, .age_s = -1}));
    assert_false(last_jobs_look(&jobs, &server, 9000, NULL, 9001));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_one_is_done_with_the_first_report),
        cmocka_unit_test(a_report_of_before_is_too_old),
        cmocka_unit_test(a_job_that_is_open_or_came_and_went_needs_a_later_report),
        cmocka_unit_test(what_haproxy_cannot_see_is_waited_for),
        cmocka_unit_test(without_a_report_nobody_knows),
    };

    return cmocka_run_group_tests_name("last_jobs", tests, NULL, NULL);
}
