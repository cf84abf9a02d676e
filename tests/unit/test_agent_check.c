#include "agent_checks/agent_check.h"
#include "farm_helper.h"
#include "sources/source_json.h"

static bool parse(const char *line, size_t length, struct agent_check_request *request)
{
    char *copy = exact_copy(line, length);
    bool good = agent_check_parse(copy, length, request);

    free(copy);
    return good;
}

static void a_request_names_an_instance_and_perhaps_a_weighting(void **state)
{
    static const struct {
        const char *line;
        unsigned number;
        enum weighting weighting;
    } cases[] = {
        {"instance1", 1, WEIGHTING_INVERSE},
        {"instance3 inverse", 3, WEIGHTING_INVERSE},
        {"instance3 external", 3, WEIGHTING_EXTERNAL},
        {"instance65535", 65535, WEIGHTING_INVERSE},
        {"instance10200 external", 10200, WEIGHTING_EXTERNAL},
        {"instance65535  external", 65535, WEIGHTING_EXTERNAL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct agent_check_request request = {0, (enum weighting)99};
        assert_case(cases[i].line, parse(cases[i].line, strlen(cases[i].line), &request));
        assert_case(cases[i].line, request.number == cases[i].number);
        assert_case(cases[i].line, request.weighting == cases[i].weighting);
    }
}

static void every_other_line_is_no_request(void **state)
{
    static const char *const lines[] = {
        "",
        " ",
        "instance",
        "instance ",
        "instance external",
        "instance0",
        "instance01",
        "instance00",
        "instance-1",
        "instance+1",
        "instance 1",
        "instance1x",
        "instance1.",
        "instance65536",
        "instance99999999999999999999",
        "instance4294967297",
        "instance1 ",
        "instance1 x",
        "instance1 external x",
        "instance1 externals",
        "instance1 extern",
        "instance1 EXTERNAL",
        "instance1 inverse external",
        "instance1 room",
        "instance1external",
        "instance1inverse",
        "instance1,external",
        "instance1 instance2",
        " instance1",
        "Instance1",
        "INSTANCE1",
        "nstance1",
        "instanceinstance1",
        "1",
        "external",
        "GET / HTTP/1.1",
        "instance1\n",
        "instance1 external\n",
        "instance1\ninstance2",
        "instance\xc2\xb2",
        "\x16\x03\x01",
        "instance1 \r",
    };
    static const char nul[] = "instance1\0external";

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct agent_check_request request;
        assert_case(lines[i], !parse(lines[i], strlen(lines[i]), &request));
    }
    struct agent_check_request request;
    assert_false(parse(nul, sizeof(nul) - 1, &request));
    assert_false(parse(nul, 10, &request));
}

static void every_beginning_of_a_request_is_read_within_its_length(void **state)
{
    static const char line[] = "instance12 external";
    size_t good = 0;

    (void)state;
    for (size_t length = 0; length < sizeof(line); length++) {
        struct agent_check_request request;
        good += parse(line, length, &request);
    }
    /* "instance1", "instance12" and the whole. */
    assert_int_equal(good, 3);
}

static struct instance checked(unsigned active_jobs, unsigned external_jobs)
{
    return (struct instance){.number = 1,
                             .checked = true,
                             .healthy = true,
                             .passed = 1,
                             .active_jobs = active_jobs,
                             .external_jobs = external_jobs};
}

static void inverse_is_100_by_one_plus_the_active_jobs_rounded(void **state)
{
    static const unsigned known[][2] = {
        {0, 100}, {1, 50},  {2, 33},  {3, 25},  {4, 20},  {5, 17},   {6, 14},     {7, 13},
        {8, 11},  {9, 10},  {10, 9},  {39, 3},  {66, 1},  {65, 2},   {98, 1},     {99, 1},
        {100, 1}, {198, 1}, {199, 1}, {200, 1}, {201, 1}, {1000, 1}, {1000000, 1}};

    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        struct instance instance = checked(known[i][0], 0);
        if (agent_check_weight(&instance, WEIGHTING_INVERSE) != known[i][1])
            fail_msg("%u jobs weigh %u, not %u", known[i][0],
                     agent_check_weight(&instance, WEIGHTING_INVERSE), known[i][1]);
    }
}

static void inverse_is_rounded_to_the_nearest_for_0_to_1000_jobs(void **state)
{
    (void)state;
    for (unsigned jobs = 0; jobs <= 1000; jobs++) {
        struct instance instance = checked(jobs, jobs / 2);
        unsigned weight = agent_check_weight(&instance, WEIGHTING_INVERSE);
        long divisor = 1 + (long)jobs;
        /* Twice the distance to the quotient, times the divisor: at most a half's. */
        long error = 2 * labs((long)weight * divisor - 100);
        assert_in_range(weight, 1, 100);
        if (weight > 1 && error > divisor)
            fail_msg("%u jobs weigh %u", jobs, weight);
        if (weight == 1 && 200 >= 3 * divisor && jobs != 0)
            fail_msg("%u jobs weigh only 1", jobs);
    }
}

static void external_is_100_less_the_external_jobs_and_never_below_1(void **state)
{
    (void)state;
    for (unsigned jobs = 0; jobs <= 200; jobs++) {
        struct instance instance = checked(jobs + 3, jobs);
        unsigned expected = jobs <= 98 ? 100 - jobs : 1;
        if (agent_check_weight(&instance, WEIGHTING_EXTERNAL) != expected)
            fail_msg("%u external jobs weigh %u, not %u", jobs,
                     agent_check_weight(&instance, WEIGHTING_EXTERNAL), expected);
    }
    struct instance full = checked(1000000, 1000000);
    assert_int_equal(agent_check_weight(&full, WEIGHTING_EXTERNAL), 1);
}

static void a_drained_instance_weighs_0(void **state)
{
    struct instance instance = checked(3, 2);

    (void)state;
    instance.drained = true;
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_INVERSE), 0);
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_EXTERNAL), 0);
    instance.checked = false;
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_INVERSE), 0);
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_EXTERNAL), 0);
    instance.drained = false;
    instance.leaving = true;
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_EXTERNAL), 0);
}

static void an_instance_never_checked_weighs_100(void **state)
{
    struct instance instance = checked(7, 5);

    (void)state;
    instance.checked = false;
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_INVERSE), 100);
    assert_int_equal(agent_check_weight(&instance, WEIGHTING_EXTERNAL), 100);
}

/* The answer, after what must hold for each: one line, its length, below the limit. */
static const char *answer_of(const struct instance *instance, enum weighting weighting)
{
    static char answer[AGENT_CHECK_ANSWER_MAX];

    memset(answer, '!', sizeof(answer));
    size_t length = agent_check_format(answer, instance, weighting);
    assert_true(length < AGENT_CHECK_ANSWER_MAX);
    assert_ptr_equal(memchr(answer, '\n', sizeof(answer)), answer + length - 1);
    answer[length] = '\0';
    assert_int_equal(strlen(answer), length);
    return answer;
}

static void a_healthy_instance_is_up_with_its_weight(void **state)
{
    struct instance instance = checked(3, 2);
    struct instance unknown = {.number = 1, .healthy = true};

    (void)state;
    assert_string_equal(answer_of(&instance, WEIGHTING_INVERSE), "up 25%\n");
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL), "up 98%\n");
    assert_string_equal(answer_of(&unknown, WEIGHTING_INVERSE), "unknown\n");
    unknown.checked = true;
    unknown.failures = 1;
    assert_string_equal(answer_of(&unknown, WEIGHTING_EXTERNAL), "unknown\n");
    unknown.drained = true;
    assert_string_equal(answer_of(&unknown, WEIGHTING_EXTERNAL), "up 0%\n");
    instance.drained = true;
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL), "up 0%\n");
    instance.weighs_nothing = true;
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL), "up\n");
    assert_string_equal(answer_of(&instance, WEIGHTING_INVERSE), "up\n");
    instance.drained = false;
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL), "up 98%\n");
}

static void an_instance_that_failed_once_is_still_up(void **state)
{
    struct instance instance = checked(3, 2);

    (void)state;
    instance.failures = 1;
    snprintf(instance.error, sizeof(instance.error), "timed out");
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL), "up 98%\n");
}

static void an_unhealthy_instance_is_down_with_the_reason_after_a_blank(void **state)
{
    struct instance instance = checked(3, 2);

    (void)state;
    instance.healthy = false;
    snprintf(instance.error, sizeof(instance.error), "unexpected HTTP status: 500");
    assert_string_equal(answer_of(&instance, WEIGHTING_INVERSE),
                        "down #unexpected HTTP status: 500\n");
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL),
                        "down #unexpected HTTP status: 500\n");
    instance.drained = true;
    assert_string_equal(answer_of(&instance, WEIGHTING_EXTERNAL),
                        "down #unexpected HTTP status: 500\n");
}

static void a_reason_has_at_most_127_characters(void **state)
{
    struct instance instance = checked(0, 0);

    (void)state;
    instance.healthy = false;
    for (size_t length = 0; length < sizeof(instance.error); length++) {
        memset(instance.error, 'x', length);
        instance.error[length] = '\0';
        size_t shown = strlen(answer_of(&instance, WEIGHTING_INVERSE)) - strlen("down #\n");
        assert_int_equal(shown, length < 127 ? length : 127);
    }
}

/* What an instance sends may get into the reason, but can't end the line or begin another. */
static void a_body_can_not_forge_a_second_line(void **state)
{
    static const char body[] = "\nup 100%\r\nready\n\x1b[2J";
    struct check_result result =
        check_result_from_body(&source_json, "/active_jobs", body, strlen(body));
    struct instance instance = {.number = 1, .healthy = true};
    struct moment now = {0};

    (void)state;
    assert_int_equal(apply_check(&instance, &result, 1, &now), INSTANCE_BECAME_UNHEALTHY);
    const char *answer = answer_of(&instance, WEIGHTING_EXTERNAL);
    assert_int_equal(strncmp(answer, "down #body isn't JSON: ", 23), 0);
    for (; *answer != '\n'; answer++)
        assert_in_range(*answer, 0x20, 0x7e);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_names_an_instance_and_perhaps_a_weighting),
        cmocka_unit_test(every_other_line_is_no_request),
        cmocka_unit_test(every_beginning_of_a_request_is_read_within_its_length),
        cmocka_unit_test(inverse_is_100_by_one_plus_the_active_jobs_rounded),
        cmocka_unit_test(inverse_is_rounded_to_the_nearest_for_0_to_1000_jobs),
        cmocka_unit_test(external_is_100_less_the_external_jobs_and_never_below_1),
        cmocka_unit_test(a_drained_instance_weighs_0),
        cmocka_unit_test(an_instance_never_checked_weighs_100),
        cmocka_unit_test(a_healthy_instance_is_up_with_its_weight),
        cmocka_unit_test(an_instance_that_failed_once_is_still_up),
        cmocka_unit_test(an_unhealthy_instance_is_down_with_the_reason_after_a_blank),
        cmocka_unit_test(a_reason_has_at_most_127_characters),
        cmocka_unit_test(a_body_can_not_forge_a_second_line),
    };

    return cmocka_run_group_tests_name("agent_check", tests, NULL, NULL);
}
