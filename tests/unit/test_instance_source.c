#include "config_helper.h"
#include "instance_source.h"

#define ONE "INSTANCE_1_URL=http://a"
#define TWO "INSTANCE_2_URL=http://b"

static void check_requests(const struct instance_config *instance, const char *health,
                           const char *load)
{
    assert_int_equal(instance->health.url == NULL, health == NULL);
    if (health != NULL)
        assert_string_equal(instance->health.url, health);
    assert_int_equal(instance->load.url == NULL, load == NULL);
    if (load != NULL)
        assert_string_equal(instance->load.url, load);
}

static void each_source_asks_where_its_server_answers(void **state)
{
    static const struct {
        const char *setting;
        const char *health;
        const char *load;
    } cases[] = {
        {"JOBS_SOURCE=", NULL, "http://a/health"},
        {"JOBS_SOURCE=whisperx", NULL, "http://a/health"},
        {"JOBS_SOURCE=vllm", "http://a/health", "http://a/metrics"},
        {"JOBS_SOURCE=sglang", "http://a/health", "http://a/v1/loads?include=core"},
        {"JOBS_SOURCE=llamacpp", "http://a/health", "http://a/metrics"},
        {"JOBS_SOURCE=whispercpp", "http://a/health", NULL},
        {"JOBS_SOURCE=triton", "http://a/v2/health/ready", "http://a:8002/metrics"},
        {"JOBS_SOURCE=none", "http://a/health", NULL},
        {"LOAD_URL=/load", "http://a/health", "http://a/load"},
        {"HEALTH_PATH=/well", NULL, "http://a/well"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config *config = load_good((variables){ONE, cases[i].setting});
        check_requests(&config->instances[0], cases[i].health, cases[i].load);
        config_free(config);
    }
}

static void an_instance_with_a_source_of_its_own_takes_nothing_of_the_one_for_all(void **state)
{
    struct config *config = load_good(
        (variables){ONE, TWO, "INSTANCE_3_URL=http://c", "JOBS_SOURCE=prometheus",
                    "JOBS_FIELD=jobs", "LOAD_URL=/m", "HEALTH_PATH=/h", "CAPACITY_FIELD=slots",
                    "INSTANCE_2_JOBS_SOURCE=vllm", "INSTANCE_3_LOAD_URL=:9/m"});
    const struct instance_config *instances = config->instances;

    (void)state;
    check_requests(&instances[0], "http://a/h", "http://a/m");
    check_requests(&instances[1], "http://b/health", "http://b/metrics");
    check_requests(&instances[2], "http://c/h", "http://c:9/m");
    assert_string_equal(instances[0].locator, "jobs");
    assert_string_equal(instances[1].locator,
                        "vllm:num_requests_running+vllm:num_requests_waiting");
    assert_string_equal(instances[2].locator, "jobs");
    assert_string_equal(instances[0].capacity_locator, "slots");
    assert_null(instances[1].capacity_locator);
    config_free(config);
}

static void auto_is_for_all_and_a_capacity_that_is_said_wins(void **state)
{
    struct config *config =
        load_good((variables){ONE, TWO, "INSTANCE_3_URL=http://c", "CAPACITY_FIELD=auto",
                              "INSTANCE_2_JOBS_SOURCE=sglang", "INSTANCE_3_CAPACITY=4"});
    const struct instance_config *instances = config->instances;

    (void)state;
    assert_string_equal(instances[0].capacity_locator, "/concurrency/max_concurrent_requests");
    assert_string_equal(instances[1].capacity_locator, "/loads/*/max_running_requests");
    assert_null(instances[2].capacity_locator);
    assert_int_equal(instances[2].capacity, 4);
    assert_int_equal(instances[0].capacity, 1);
    config_free(config);
}

static void what_does_not_fit_its_source_is_refused(void **state)
{
    static const struct {
        variables texts;
        const char *error;
    } cases[] = {
        {{ONE, "JOBS_SOURCE=VLLM"}, "expected one of whisperx, vllm, sglang, llamacpp, whispercpp"},
        {{ONE, "JOBS_SOURCE=json"}, "JOBS_SOURCE=\"json\": needs JOBS_FIELD, which says where"},
        {{ONE, TWO, "INSTANCE_2_JOBS_SOURCE=prometheus", "JOBS_FIELD=/a"},
         "INSTANCE_2_JOBS_SOURCE=\"prometheus\": needs INSTANCE_2_JOBS_FIELD, which"},
        {{ONE, "JOBS_SOURCE=vllm", "JOBS_FIELD=/a"},
         "JOBS_FIELD=\"/a\" (environment): expected at "
         "most 16 metrics' names"},
        {{ONE, "INSTANCE_1_JOBS_FIELD=a"},
         "INSTANCE_1_JOBS_FIELD=\"a\" (environment): expected at "
         "most 16 JSON Pointers (RFC 6901)"},
        {{ONE, "INSTANCE_1_JOBS_FIELD=a"}, "did you mean /a?"},
        {{ONE, "JOBS_SOURCE=none", "JOBS_FIELD=/a"}, "JOBS_SOURCE=none has no such thing"},
        {{ONE, "JOBS_SOURCE=whispercpp", "LOAD_URL=/load"},
         "LOAD_URL=\"/load\" (environment): JOBS_SOURCE=whispercpp has no such thing, since these "
         "servers report nothing: leave it out"},
        {{ONE, "CAPACITY_FIELD=a"}, "CAPACITY_FIELD=\"a\" (environment): expected at most 16"},
        {{ONE, "INSTANCE_1_JOBS_SOURCE=vllm", "INSTANCE_1_CAPACITY_FIELD=auto"},
         "INSTANCE_1_CAPACITY_FIELD=\"auto\" (environment): JOBS_SOURCE=vllm knows of no capacity"},
        {{ONE, "JOBS_FIELD=/a\x1b"}, "has a control character"},
        {{ONE, "LOAD_URL=metrics"}, "expected a path such as /metrics, another port"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        assert_null(load(cases[i].texts, &errors));
        assert_int_equal(errors.count, 1);
        assert_error(&errors, cases[i].error);
        errors_free(&errors);
    }
}

static void a_source_for_all_without_its_field_is_one_error(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(load((variables){ONE, TWO, "JOBS_SOURCE=json"}, &errors));
    assert_int_equal(errors.count, 1);
    errors_free(&errors);
    /* The first may have what it needs, and another not. */
    assert_null(
        load((variables){ONE, TWO, "JOBS_SOURCE=json", "INSTANCE_1_JOBS_FIELD=/a"}, &errors));
    assert_int_equal(errors.count, 1);
    errors_free(&errors);
    struct config *config = load_good((variables){
        ONE, TWO, "JOBS_SOURCE=json", "INSTANCE_1_JOBS_FIELD=/a", "INSTANCE_2_JOBS_FIELD=/b"});
    config_free(config);
}

static void a_locator_has_a_bound(void **state)
{
    char text[LOCATOR_MAX + 32];
    struct errors errors = {0};
    int length = snprintf(text, sizeof(text), "JOBS_FIELD=/");

    (void)state;
    memset(text + length, 'a', sizeof(text) - (size_t)length);
    text[length + LOCATOR_MAX] = '\0';
    assert_null(load((variables){ONE, text}, &errors));
    assert_error(&errors, "longer than 1024 characters");
    errors_free(&errors);
    text[length + LOCATOR_MAX - 1] = '\0';
    config_free(load_good((variables){ONE, text}));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_source_asks_where_its_server_answers),
        cmocka_unit_test(an_instance_with_a_source_of_its_own_takes_nothing_of_the_one_for_all),
        cmocka_unit_test(auto_is_for_all_and_a_capacity_that_is_said_wins),
        cmocka_unit_test(what_does_not_fit_its_source_is_refused),
        cmocka_unit_test(a_source_for_all_without_its_field_is_one_error),
        cmocka_unit_test(a_locator_has_a_bound),
    };

    return cmocka_run_group_tests_name("instance_source", tests, NULL, NULL);
}
