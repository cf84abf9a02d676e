#include "checks/pace.h"
#include "farm_helper.h"

#define INTERVAL_MS 30000
#define JOBS_MS 1000
#define QUICK_MS 100 /* a tenth of JOBS_MS */
#define BUSY_MS 5000 /* five times JOBS_MS */
#define INSTANCES 3

struct fixture {
    struct config *config;
    struct farm *farm;
    struct pace *pace;
};

static const char *const shipped[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b",
                                      "INSTANCE_3_URL=http://c", "HEALTH_CHECK_INTERVAL=30",
                                      "JOBS_INTERVAL=1",         NULL};

static struct fixture fixture_of(const char *const *texts)
{
    struct fixture f = {.config = config_of(texts), .farm = farm_of(texts, NULL)};

    /* As when every instance has reported, and nothing was accepted. */
    for (size_t i = 0; i < f.farm->count; i++) {
        f.farm->instances[i].checked = true;
        f.farm->instances[i].started_ms = 1;
    }
    f.farm->is_async = false;
    f.pace = pace_new(f.config, f.farm, 0);
    return f;
}

static void release(struct fixture *f)
{
    pace_free(f->pace);
    farm_free(f->farm);
    config_free(f->config);
}

/* The time from an instance's last check to the next; 0: its interval's end is soon enough. */
static int64_t gap_of(const struct fixture *f, size_t index)
{
    int64_t due_ms;

    if (!pace_is_sooner(f->pace, index, &due_ms))
        return 0;
    return due_ms - f->farm->instances[index].started_ms;
}

static void report(struct fixture *f, size_t index, unsigned jobs)
{
    unsigned previous = f->farm->instances[index].active_jobs;

    f->farm->instances[index].active_jobs = jobs;
    pace_take_report(f->pace, index, previous);
}

static void a_farm_is_busy_while_jobs_of_ours_run_and_a_while_after(void **state)
{
    struct fixture f = fixture_of(shipped);

    (void)state;
    pace_take_counts(f.pace, 1000);
    assert_int_equal(pace_interval_ms(f.pace), INTERVAL_MS);
    f.farm->instances[1].in_flight = 1;
    pace_take_counts(f.pace, 2000);
    assert_int_equal(pace_interval_ms(f.pace), JOBS_MS);
    f.farm->instances[1].in_flight = 0;
    pace_take_counts(f.pace, 2000 + BUSY_MS);
    assert_int_equal(pace_interval_ms(f.pace), JOBS_MS);
    pace_take_counts(f.pace, 2000 + BUSY_MS + 1);
    assert_int_equal(pace_interval_ms(f.pace), INTERVAL_MS);
    release(&f);
}

static void a_job_that_came_and_went_between_two_readings_is_one_too(void **state)
{
    struct fixture f = fixture_of(shipped);

    (void)state;
    f.farm->instances[0].sessions = 7;
    pace_take_counts(f.pace, 2000);
    assert_int_equal(pace_interval_ms(f.pace), JOBS_MS);
    pace_take_counts(f.pace, 2000 + BUSY_MS + 1);
    assert_int_equal(pace_interval_ms(f.pace), INTERVAL_MS);
    release(&f);
}

static void accepted_jobs_keep_it_busy_until_no_report_has_external_ones(void **state)
{
    struct fixture f = fixture_of(shipped);
    struct instance *instance = &f.farm->instances[2];

    (void)state;
    instance->acceptances = 1;
    pace_take_counts(f.pace, 2000);
    pace_take_counts(f.pace, 20000);
    assert_int_equal(pace_interval_ms(f.pace), JOBS_MS);
    instance->reported = 1;
    instance->external_jobs = 1;
    pace_take_counts(f.pace, 40000);
    assert_int_equal(pace_interval_ms(f.pace), JOBS_MS);
    instance->external_jobs = 0;
    pace_take_counts(f.pace, 60000);
    assert_int_equal(pace_interval_ms(f.pace), INTERVAL_MS);
    release(&f);
}

static void a_new_pace_goes_on_where_the_one_before_was(void **state)
{
    struct fixture f = fixture_of(shipped);

    (void)state;
    f.farm->instances[0].in_flight = 1;
    pace_take_counts(f.pace, 2000);
    pace_free(f.pace);
    f.pace = pace_new(f.config, f.farm, 2000 + BUSY_MS);
    assert_int_equal(pace_interval_ms(f.pace), JOBS_MS);
    pace_free(f.pace);
    f.pace = pace_new(f.config, f.farm, 2000 + BUSY_MS + 1);
    assert_int_equal(pace_interval_ms(f.pace), INTERVAL_MS);
    release(&f);
}

static void an_instance_at_which_something_changed_is_asked_again_soon(void **state)
{
    struct fixture f = fixture_of(shipped);

    (void)state;
    f.farm->instances[0].in_flight = 1;
    pace_take_counts(f.pace, 2000);
    assert_int_equal(gap_of(&f, 0), 0); /* not before it has reported */
    report(&f, 0, 1);
    assert_int_equal(gap_of(&f, 0), QUICK_MS);
    report(&f, 0, 1);
    assert_int_equal(gap_of(&f, 0), QUICK_MS + QUICK_MS / 8 + 1);
    f.farm->instances[0].sessions++;
    report(&f, 0, 1);
    assert_int_equal(gap_of(&f, 0), QUICK_MS);
    f.farm->instances[0].in_flight++;
    report(&f, 0, 1);
    assert_int_equal(gap_of(&f, 0), QUICK_MS);
    assert_int_equal(gap_of(&f, 1), 0);
    release(&f);
}

static void the_gap_grows_to_the_jobs_interval_as_long_as_nothing_changes(void **state)
{
    struct fixture f = fixture_of(shipped);
    int64_t before = QUICK_MS;
    unsigned reports = 0;

    (void)state;
    f.farm->instances[0].in_flight = 1;
    pace_take_counts(f.pace, 2000);
    report(&f, 0, 1);
    for (int64_t gap = before; gap != 0; gap = gap_of(&f, 0)) {
        assert_in_range(gap, before, JOBS_MS - 1);
        before = gap;
        report(&f, 0, 1);
        assert_true(++reports < 100);
    }
    assert_in_range(reports, 15, 25);
    release(&f);
}

static void nothing_is_sooner_in_a_farm_that_is_not_busy(void **state)
{
    struct fixture f = fixture_of(shipped);

    (void)state;
    pace_take_counts(f.pace, 2000);
    report(&f, 0, 5);
    assert_int_equal(gap_of(&f, 0), 0);
    pace_quicken(f.pace, 0);
    assert_int_equal(gap_of(&f, 0), 0);
    release(&f);
}

static void a_dear_check_has_a_longer_gap(void **state)
{
    struct fixture f = fixture_of(shipped);

    (void)state;
    f.farm->instances[0].in_flight = 1;
    pace_take_counts(f.pace, 2000);
    f.farm->instances[0].check_ms = 30;
    pace_quicken(f.pace, 0);
    assert_int_equal(gap_of(&f, 0), 300);
    f.farm->instances[0].check_ms = 200;
    pace_quicken(f.pace, 0);
    assert_int_equal(gap_of(&f, 0), 0);
    release(&f);
}

static void so_many_instances_share_a_thousand_reports_a_second(void **state)
{
    static const char *const short_interval[] = {
        "INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b", "INSTANCE_3_URL=http://c",
        "HEALTH_CHECK_INTERVAL=1", "JOBS_INTERVAL=10ms",      NULL};
    struct fixture f = fixture_of(short_interval);

    (void)state;
    f.farm->instances[0].in_flight = 1;
    pace_take_counts(f.pace, 2000);
    pace_quicken(f.pace, 1);
    assert_int_equal(gap_of(&f, 1), INSTANCES);
    release(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_farm_is_busy_while_jobs_of_ours_run_and_a_while_after),
        cmocka_unit_test(a_job_that_came_and_went_between_two_readings_is_one_too),
        cmocka_unit_test(accepted_jobs_keep_it_busy_until_no_report_has_external_ones),
        cmocka_unit_test(a_new_pace_goes_on_where_the_one_before_was),
        cmocka_unit_test(an_instance_at_which_something_changed_is_asked_again_soon),
        cmocka_unit_test(the_gap_grows_to_the_jobs_interval_as_long_as_nothing_changes),
        cmocka_unit_test(nothing_is_sooner_in_a_farm_that_is_not_busy),
        cmocka_unit_test(a_dear_check_has_a_longer_gap),
        cmocka_unit_test(so_many_instances_share_a_thousand_reports_a_second),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
