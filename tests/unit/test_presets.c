#include "config_helper.h"
#include "instances/check_result.h"
#include "presets.h"

/* What servers answer: see tests/unit/data/README.md. */
#define FOLDER "tests/unit/data/"
#define FILE_MAX 16384

static size_t read_all(const char *name, char bytes[FILE_MAX])
{
    char path[128];

    snprintf(path, sizeof(path), FOLDER "%s", name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("%s isn't there", path);
    size_t length = fread(bytes, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return length;
}

/* What an instance of this kind of server is said to do if it answers so. */
static struct check_result result_of(const char *preset, const char *file)
{
    char setting[64];
    char bytes[FILE_MAX];
    size_t length = read_all(file, bytes);

    snprintf(setting, sizeof(setting), "JOBS_SOURCE=%s", preset);
    struct config *config =
        load_good((variables){"INSTANCE_1_URL=http://a", setting, "CAPACITY_FIELD=auto"});
    char *copy = exact_copy(bytes, length);
    struct check_result result = check_result_from_answer(&config->instances[0], copy, length);
    free(copy);
    config_free(config);
    return result;
}

static void each_server_is_understood_busy_idle_and_of_an_older_version(void **state)
{
    static const struct {
        const char *preset;
        const char *file;
        unsigned jobs;
        unsigned capacity;
    } cases[] = {
        {"whisperx", "servers/whisperx-busy.json", 7, 4},
        {"whisperx", "servers/whisperx-idle.json", 0, 4},
        {"whisperx", "servers/whisperx-old.json", 2, 0},
        {"vllm", "servers/vllm-busy.txt", 20, 0},
        {"vllm", "servers/vllm-idle.txt", 0, 0},
        {"vllm", "servers/vllm-old.txt", 5, 0},
        {"sglang", "servers/sglang-busy.json", 13, 256},
        {"sglang", "servers/sglang-idle.json", 0, 256},
        {"llamacpp", "llama.cpp-0.7.0/busy-metrics.txt", 3, 0},
        {"llamacpp", "llama.cpp-0.7.0/idle-metrics.txt", 0, 0},
        {"triton", "servers/triton-busy.txt", 98, 0},
        {"triton", "servers/triton-idle.txt", 0, 0},
        {"whispercpp", "servers/whispercpp-idle.json", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct check_result result = result_of(cases[i].preset, cases[i].file);
        if (result.reason != CHECK_PASSED)
            fail_msg("%s: %s: %s", cases[i].file, check_reason_text(result.reason), result.detail);
        assert_case(cases[i].file, result.active_jobs == cases[i].jobs);
        assert_case(cases[i].file, result.capacity == cases[i].capacity);
        assert_case(cases[i].file, result.counting == preset_find(cases[i].preset)->counting);
    }
}

static void what_is_not_there_is_a_failure_and_no_count_of_0(void **state)
{
    static const struct {
        const char *preset;
        const char *file;
        enum check_reason reason;
        const char *detail;
    } cases[] = {
        {"triton", "servers/triton-old.txt", CHECK_NO_JOB_COUNT,
         "no metric nv_inference_pending_request_count"},
        {"sglang", "servers/sglang-old.json", CHECK_NO_JOB_COUNT,
         "nothing at /loads/*/num_running_reqs"},
        {"vllm", "llama.cpp-0.7.0/busy-metrics.txt", CHECK_NO_JOB_COUNT,
         "no metric vllm:num_requests_running"},
        {"vllm", "servers/whisperx-busy.json", CHECK_NOT_METRICS, "line 1: "},
        {"whisperx", "servers/vllm-busy.txt", CHECK_NOT_JSON, "bytes, starting"},
        {"whisperx", "servers/whispercpp-idle.json", CHECK_NO_JOB_COUNT, "nothing at /active_jobs"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct check_result result = result_of(cases[i].preset, cases[i].file);
        assert_case(cases[i].file, result.reason == cases[i].reason);
        assert_contains(result.detail, cases[i].detail);
    }
}

static void an_empty_list_of_sglang_is_no_count_of_0(void **state)
{
    struct config *config = load_good((variables){"INSTANCE_1_URL=http://a", "JOBS_SOURCE=sglang"});
    static const char body[] = "{\"loads\":[]}";

    (void)state;
    struct check_result result =
        check_result_from_answer(&config->instances[0], body, strlen(body));
    assert_int_equal(result.reason, CHECK_NO_JOB_COUNT);
    config_free(config);
}

static void a_capacity_that_is_none_leaves_the_count_alone(void **state)
{
    static const char *const bodies[] = {"{\"active_jobs\":3}", "{\"active_jobs\":3,\"slots\":0}",
                                         "{\"active_jobs\":3,\"slots\":10001}",
                                         "{\"active_jobs\":3,\"slots\":1.5}",
                                         "{\"active_jobs\":3,\"slots\":\"4\"}"};
    struct config *config =
        load_good((variables){"INSTANCE_1_URL=http://a", "CAPACITY_FIELD=/slots"});

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct check_result result =
            check_result_from_answer(&config->instances[0], bodies[i], strlen(bodies[i]));
        assert_case(bodies[i], result.reason == CHECK_PASSED && result.active_jobs == 3);
        assert_case(bodies[i], result.capacity == 0 && result.lacks_capacity);
    }
    config_free(config);
}

static void every_preset_can_be_used_as_it_stands(void **state)
{
    (void)state;
    assert_int_equal(preset_count, 9);
    for (size_t i = 0; i < preset_count; i++) {
        const struct preset *preset = &preset_table[i];
        assert_ptr_equal(preset_find(preset->name), preset);
        assert_contains(preset_names(), preset->name);
        assert_case(preset->name, request_path_check(preset->health_path) == NULL);
        assert_case(preset->name,
                    preset->load_url == NULL || request_url_check(preset->load_url) == NULL);
        assert_case(preset->name, (preset->source == NULL) == (preset->counting == COUNTS_NOTHING));
        if (preset->locator != NULL)
            assert_null(preset->source->check_locator(preset->locator));
        if (preset->capacity_locator != NULL)
            assert_null(preset->source->check_locator(preset->capacity_locator));
        /* Where it was read is said of each server's. */
        assert_case(preset->name, (preset->server == NULL) == (preset->read_in == NULL));
        /* whisper.cpp's loads a model. */
        assert_case(preset->name,
                    preset->load_url == NULL || strcmp(preset->load_url, "/load") != 0);
    }
    assert_null(preset_find("VLLM"));
    assert_null(preset_find(""));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_server_is_understood_busy_idle_and_of_an_older_version),
        cmocka_unit_test(what_is_not_there_is_a_failure_and_no_count_of_0),
        cmocka_unit_test(an_empty_list_of_sglang_is_no_count_of_0),
        cmocka_unit_test(a_capacity_that_is_none_leaves_the_count_alone),
        cmocka_unit_test(every_preset_can_be_used_as_it_stands),
    };

    return cmocka_run_group_tests_name("presets", tests, NULL, NULL);
}
