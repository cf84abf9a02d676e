#include "changes.h"
#include "config_helper.h"
#include "options.h"

#define AGENT_ALONE "which SIGHUP puts in force in the agent alone"
#define NOT_AT_ALL "which SIGHUP doesn't put in force"

/* What a reload from one to the other warns of; the caller frees it. */
static struct errors warnings_of(variables old_texts, variables new_texts)
{
    struct errors errors = {0};
    struct config *old = load_good(old_texts);
    struct config *new = load_good(new_texts);

    changes_warn(old, new, &errors);
    assert_int_equal(errors.count, 0);
    config_free(old);
    config_free(new);
    return errors;
}

static void check_warning(variables old, variables new, const char *beginning, const char *why)
{
    struct errors errors = warnings_of(old, new);

    if (errors.warning_count != 1)
        fail_msg("case \"%s\": %zu warnings, not 1", beginning, errors.warning_count);
    if (strncmp(errors.warnings[0], beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" doesn't begin with \"%s\"", errors.warnings[0], beginning);
    assert_contains(errors.warnings[0], why);
    assert_contains(errors.warnings[0], "write haproxy.cfg again (leastjobs-genconf) and reload");
    errors_free(&errors);
}

static void what_stays_the_same_gives_no_warning(void **state)
{
    /* In other words, too. */
    struct errors errors = warnings_of(
        (variables){"INSTANCE_1_URL=http://a", "PORT=80", "REQUEST_TIMEOUT=60", "EXTRA_PATHS=/x"},
        (variables){"INSTANCE_1_URL=a:80/", "PORT=080", "REQUEST_TIMEOUT=1m", "EXTRA_PATHS=/x"});

    (void)state;
    assert_int_equal(errors.warning_count, 0);
}

#define ONE "INSTANCE_1_URL=http://a"

static void each_type_of_value_is_compared(void **state)
{
    static const char *const cases[][3] = {
        {"PORT=80", "PORT=81", "PORT has changed, " NOT_AT_ALL},
        {"THREADS=1", "THREADS=2", "THREADS has changed, " NOT_AT_ALL},
        {"JOB_RETENTION=60", "JOB_RETENTION=61", "JOB_RETENTION has changed, " NOT_AT_ALL},
        {"AGENT_HOST=a", "AGENT_HOST=b", "AGENT_HOST has changed, " NOT_AT_ALL},
        {"LOG_LEVEL=INFO", "LOG_LEVEL=DEBUG", "LOG_LEVEL has changed, " AGENT_ALONE},
        {"AGENT_PORT=1", "AGENT_PORT=2", "AGENT_PORT has changed, " AGENT_ALONE},
        {"EXTRA_PATHS=", "EXTRA_PATHS=/x", "EXTRA_PATHS has changed, " NOT_AT_ALL},
        {"EXTRA_PATHS=/x", "EXTRA_PATHS=", "EXTRA_PATHS has changed, " NOT_AT_ALL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_warning((variables){ONE, cases[i][0]}, (variables){ONE, cases[i][1]}, cases[i][2],
                      "");
    check_warning((variables){ONE, "API_KEYS_FILE=/k"},
                  (variables){ONE, "API_KEYS_FILE=/k", "STATUS_NEEDS_KEY=yes"},
                  "STATUS_NEEDS_KEY has changed, ", NOT_AT_ALL);
}

static void what_only_the_agent_reads_gives_no_warning(void **state)
{
    struct errors errors =
        warnings_of((variables){ONE}, (variables){ONE, "HEALTH_PATH=/h", "JOBS_FIELD=/j",
                                                  "JOBS_INTERVAL=2", "AGENT_BIND_ADDRESS=*"});

    (void)state;
    assert_int_equal(errors.warning_count, 0);
}

static void each_variable_gives_one_warning(void **state)
{
    struct errors errors =
        warnings_of((variables){ONE}, (variables){ONE, "PORT=1", "THREADS=2", "ADMIN_PORT=3"});

    (void)state;
    assert_int_equal(errors.warning_count, 3);
    assert_true(warnings_have(&errors, "PORT has changed"));
    assert_true(warnings_have(&errors, "THREADS has changed"));
    assert_true(warnings_have(&errors, "ADMIN_PORT has changed"));
    errors_free(&errors);
}

static void instances_that_come_go_or_move_are_named_together(void **state)
{
    (void)state;
    check_warning((variables){"INSTANCE_1_URL=http://a"},
                  (variables){"INSTANCE_1_URL=http://a", "INSTANCE_3_URL=http://c"},
                  "INSTANCE_3_URL has changed, ", AGENT_ALONE);
    check_warning((variables){"INSTANCE_1_URL=http://a", "INSTANCE_3_URL=http://c"},
                  (variables){"INSTANCE_3_URL=http://c"}, "INSTANCE_1_URL has changed, ",
                  AGENT_ALONE);
    check_warning((variables){"INSTANCE_1_URL=http://a", "INSTANCE_3_URL=http://c"},
                  (variables){"INSTANCE_1_URL=http://b", "INSTANCE_2_URL=http://c"},
                  "INSTANCE_1_URL, INSTANCE_2_URL, INSTANCE_3_URL have changed, ", AGENT_ALONE);
}

#define TWO "INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b"

/* HAProxy's rules have capacities, or don't. */
static void what_changes_how_capacities_are_had_gives_one_warning(void **state)
{
    (void)state;
    check_warning((variables){TWO, "INSTANCE_2_CAPACITY=2"}, (variables){TWO},
                  "INSTANCE_2_CAPACITY has changed, ", AGENT_ALONE);
    check_warning((variables){TWO, "CAPACITY_FIELD=/slots"}, (variables){TWO},
                  "CAPACITY_FIELD has changed, ", AGENT_ALONE);
    check_warning((variables){TWO, "INSTANCE_1_CAPACITY_FIELD=/slots"}, (variables){TWO},
                  "INSTANCE_1_CAPACITY_FIELD has changed, ", AGENT_ALONE);
    check_warning((variables){TWO, "CAPACITY_FIELD=auto"},
                  (variables){TWO, "CAPACITY_FIELD=auto", "INSTANCE_2_JOBS_SOURCE=none"},
                  "INSTANCE_2_JOBS_SOURCE has changed, ", AGENT_ALONE);
}

static void another_source_that_changes_no_rule_gives_no_warning(void **state)
{
    struct errors errors =
        warnings_of((variables){TWO, "CAPACITY_FIELD=auto"},
                    (variables){TWO, "CAPACITY_FIELD=auto", "INSTANCE_2_JOBS_SOURCE=sglang"});

    (void)state;
    assert_int_equal(errors.warning_count, 0);
    errors_free(&errors);
}

static void of_many_instances_five_are_named(void **state)
{
    (void)state;
    check_warning((variables){"INSTANCE_60001_URL=http://a", "INSTANCE_60002_URL=http://b",
                              "INSTANCE_60003_URL=http://c", "INSTANCE_60004_URL=http://d"},
                  (variables){"INSTANCE_65531_URL=http://a", "INSTANCE_65532_URL=http://b",
                              "INSTANCE_65533_URL=http://c", "INSTANCE_65534_URL=http://d"},
                  "INSTANCE_60001_URL, INSTANCE_60002_URL, INSTANCE_60003_URL, "
                  "INSTANCE_60004_URL, INSTANCE_65531_URL and 3 more have changed, ",
                  AGENT_ALONE);
}

/* `leastjobs run` does all that is to be done. */
static void found_instances_that_come_go_or_move_give_no_warning(void **state)
{
    static const char *const cases[][2] = {
        {"INSTANCE_2_URL=http://b", "INSTANCE_2_URL=http://c"},
        {"INSTANCE_2_URL=http://b", "INSTANCE_3_URL=http://c"},
        {"HEALTH_PATH=/h", "INSTANCE_2_URL=http://b"},
        {"INSTANCE_2_URL=http://b", "HEALTH_PATH=/h"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        struct config *old = load_good((variables){ONE, cases[i][0]});
        struct config *new = load_good((variables){ONE, cases[i][1]});
        for (size_t j = 1; j < old->instance_count; j++)
            old->instances[j].is_found = true;
        for (size_t j = 1; j < new->instance_count; j++)
            new->instances[j].is_found = true;
        changes_warn(old, new, &errors);
        assert_case(cases[i][0], errors.warning_count == 0);
        config_free(old);
        config_free(new);
        errors_free(&errors);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_the_same_gives_no_warning),
        cmocka_unit_test(each_type_of_value_is_compared),
        cmocka_unit_test(what_only_the_agent_reads_gives_no_warning),
        cmocka_unit_test(each_variable_gives_one_warning),
        cmocka_unit_test(instances_that_come_go_or_move_are_named_together),
        cmocka_unit_test(what_changes_how_capacities_are_had_gives_one_warning),
        cmocka_unit_test(another_source_that_changes_no_rule_gives_no_warning),
        cmocka_unit_test(of_many_instances_five_are_named),
        cmocka_unit_test(found_instances_that_come_go_or_move_give_no_warning),
    };

    return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
