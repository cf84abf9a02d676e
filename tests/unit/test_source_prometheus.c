#include "helper.h"
#include "presets.h"
#include "sources/source_prometheus.h"

/* Two engines of vLLM, and what shares a prefix with what is wanted. */
#define BODY                                                                                       \
    "# TYPE running gauge\n"                                                                       \
    "running{model=\"a\",engine=\"0\"} 2.0\n"                                                      \
    "running{model=\"a\",engine=\"1\"} 3\n"                                                        \
    "running_by_reason{model=\"a\",engine=\"0\",reason=\"x\"} 100\n"                               \
    "waiting{model=\"a\",engine=\"0\"} 1e1\n"                                                      \
    "waiting{model=\"b\",engine=\"0\"} 20\n"                                                       \
    "half 0.5\n"                                                                                   \
    "other_half 0.5\n"                                                                             \
    "negative -1\n"                                                                                \
    "nothing NaN\n"                                                                                \
    "endless +Inf\n"                                                                               \
    "many 1000001\n"

static struct source_reading reading_of(const char *body, const char *locator)
{
    char *copy = exact_copy(body, strlen(body));

    if (source_prometheus.check_locator(locator) != NULL)
        fail_msg("%s is refused", locator);
    struct source_reading reading = source_prometheus.read(copy, strlen(body), locator);
    free(copy);
    return reading;
}

static void check_good(const char *locator, unsigned jobs)
{
    struct source_reading reading = reading_of(BODY, locator);

    if (reading.outcome != SOURCE_COUNTED || reading.jobs != jobs)
        fail_msg("\"%s\" is %u jobs, \"%s\"", locator, reading.jobs, reading.detail);
    assert_case_text(locator, reading.detail, "");
}

static void check_bad(const char *body, const char *locator, enum source_outcome outcome,
                      const char *detail)
{
    struct source_reading reading = reading_of(body, locator);

    assert_case(locator, reading.outcome == outcome);
    assert_case(locator, reading.jobs == 0);
    assert_case_text(locator, reading.detail, detail);
}

static void a_metric_is_added_up_over_its_series(void **state)
{
    (void)state;
    check_good("running", 5);
    check_good("waiting", 30);
    check_good("running{engine=\"1\"}", 3);
    check_good("waiting{engine=\"0\",model=\"b\"}", 20);
}

static void metrics_are_added_up_and_are_alternatives(void **state)
{
    (void)state;
    check_good("running+waiting", 35);
    check_good(" running + waiting ", 35);
    check_good("absent,running", 5);
    check_good("running,waiting", 5);
    check_good("absent+running,waiting", 30);
    check_good("running+absent,absent,running + waiting{model=\"b\"}", 25);
    check_good("half+other_half", 1);
    check_good("running+running", 10);
}

static void what_is_not_there_is_no_count(void **state)
{
    (void)state;
    check_bad(BODY, "absent", SOURCE_NO_COUNT, "no metric absent");
    check_bad(BODY, "running+absent", SOURCE_NO_COUNT, "no metric running+absent");
    check_bad(BODY, "runnin", SOURCE_NO_COUNT, "no metric runnin");
    check_bad(BODY, "running{engine=\"2\"}", SOURCE_NO_COUNT, "no metric running{engine=\"2\"}");
    check_bad("", "running", SOURCE_NO_COUNT, "no metric running");
    check_bad("# TYPE running gauge\n# EOF\n", "running", SOURCE_NO_COUNT, "no metric running");
}

static void what_is_no_whole_number_from_0_is_no_count(void **state)
{
    (void)state;
    check_bad(BODY, "half", SOURCE_BAD_COUNT, "half is 0.5");
    check_bad(BODY, "negative", SOURCE_BAD_COUNT, "negative is -1");
    check_bad(BODY, "running+negative", SOURCE_BAD_COUNT, "negative is -1");
    check_bad(BODY, "nothing", SOURCE_BAD_COUNT, "nothing is nan");
    check_bad(BODY, "endless", SOURCE_BAD_COUNT, "endless is inf");
    check_bad(BODY, "many", SOURCE_BAD_COUNT, "many is 1e+06");
    check_bad(BODY, "negative,running", SOURCE_BAD_COUNT, "negative is -1");
}

static void a_body_that_is_no_exposition_has_its_line_told(void **state)
{
    (void)state;
    check_bad("running 1\nrunning two\n", "running", SOURCE_WRONG_FORM,
              "line 2: a value isn't a number");
    check_bad("running 1\nrunning 1", "running", SOURCE_WRONG_FORM,
              "line 2: the last line has no end");
    check_bad("{\"status\":\"ok\"}", "running", SOURCE_WRONG_FORM,
              "line 1: the last line has no end");
}

static void a_locator_is_a_sum_of_metrics_or_several(void **state)
{
    static const char *const good[] = {"a",
                                       "a:b",
                                       "a+b",
                                       "a,b",
                                       "a{b=\"c\"}+d{e=\"f\",g=\"h,+}\"}",
                                       "a{}",
                                       " a , b ",
                                       "a,a,a,a,a,a,a,a+a+a+a+a+a+a+a+a"};
    static const char *const bad[] = {"",
                                      "+",
                                      "a+",
                                      ",a",
                                      "a,,b",
                                      "a b",
                                      "a-b",
                                      "/a",
                                      "a{b}",
                                      "a{b=\"c\"",
                                      "a{b=c}",
                                      "1",
                                      "a{b=\"c\"}d",
                                      "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_case(good[i], source_prometheus.check_locator(good[i]) == NULL);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_case(bad[i], source_prometheus.check_locator(bad[i]) != NULL);
    assert_contains(source_prometheus.check_locator(""), "at most 16 metrics' names");
    assert_ptr_equal(preset_find("prometheus")->source, &source_prometheus);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_is_added_up_over_its_series),
        cmocka_unit_test(metrics_are_added_up_and_are_alternatives),
        cmocka_unit_test(what_is_not_there_is_no_count),
        cmocka_unit_test(what_is_no_whole_number_from_0_is_no_count),
        cmocka_unit_test(a_body_that_is_no_exposition_has_its_line_told),
        cmocka_unit_test(a_locator_is_a_sum_of_metrics_or_several),
    };

    return cmocka_run_group_tests_name("source_prometheus", tests, NULL, NULL);
}
