#include "config_helper.h"
#include "misspelt.h"
#include "options.h"
#include "xalloc.h"

static void check_suggestion(const char *name, const char *expected)
{
    char text[MISSPELT_SUGGESTION_MAX];
    bool is_sure;
    const char *suggestion = misspelt_suggest(name, text, &is_sure);

    if (expected != NULL && suggestion != NULL)
        assert_case_text(name, suggestion, expected);
    else if (expected != NULL)
        fail_msg("%s isn't taken for %s", name, expected);
    else if (suggestion != NULL)
        fail_msg("%s is taken for %s", name, suggestion);
}

static void a_name_that_is_nearly_ours_is_found(void **state)
{
    static const char *const cases[][2] = {
        /* Those that the users of the Python balancer and of this one have written. */
        {"INSTANCE_1URL", "INSTANCE_1_URL"},
        {"INSTANCES_1_URL", "INSTANCE_1_URL"},
        {"instance_1_url", "INSTANCE_1_URL"},
        {"HEALTHCHECK_INTERVAL", "HEALTH_CHECK_INTERVAL"},
        {"API_KEY_FILE", "API_KEYS_FILE"},
        {"TLS_CERT", "TLS_CERT_FILE"},
        /* Letters and digits as in ours. */
        {"INSTANCE1_URL", "INSTANCE_1_URL"},
        {"INSTANCE-1-URL", "INSTANCE_1_URL"},
        {"Instance_65535_Url", "INSTANCE_65535_URL"},
        {"instance_01_url", "INSTANCE_N_URL"},
        {"health_path", "HEALTH_PATH"},
        {"ApiKeysFile", "API_KEYS_FILE"},
        {"request.timeout", "REQUEST_TIMEOUT"},
        /* Words in another order. */
        {"INSTANCE_URL_2", "INSTANCE_2_URL"},
        {"URL_INSTANCE_2", "INSTANCE_2_URL"},
        {"INTERVAL_HEALTH_CHECK", "HEALTH_CHECK_INTERVAL"},
        /* What else is said of one instance. */
        {"INSTANCE_1_CAPACTY", "INSTANCE_1_CAPACITY"},
        {"INSTANCE_2_HEALTHPATH", "INSTANCE_2_HEALTH_PATH"},
        /* An ending left off. */
        {"INSTANCE_3", "INSTANCE_3_URL"},
        {"INSTANCE_CA", "INSTANCE_CA_FILE"},
        /* One character. */
        {"INSTANCE_4_URI", "INSTANCE_4_URL"},
        {"INSTANCE_4_URLS", "INSTANCE_4_URL"},
        {"INSTNACE_4_URL", "INSTANCE_4_URL"},
        {"MAX_CONNECTION", "MAX_CONNECTIONS"},
        {"REQEUST_TIMEOUT", "REQUEST_TIMEOUT"},
        {"CONECT_TIMEOUT", "CONNECT_TIMEOUT"},
        {"TLS_CERTS_FILE", "TLS_CERT_FILE"},
        {"JOB_FIELD", "JOBS_FIELD"},
        /* Two in a long name. */
        {"STATUS_NEED_KEYS", "STATUS_NEEDS_KEY"},
        {"HELTH_CHEK_INTERVAL", "HEALTH_CHECK_INTERVAL"},
        /* Short ones in another case. */
        {"port", "PORT"},
        {"Port", "PORT"},
        {"log_level", "LOG_LEVEL"},
        {"threads", "THREADS"},
        /* Without a number. */
        {"INSTANCE_URL", "INSTANCE_1_URL"},
        {"instance_url", "INSTANCE_1_URL"},
        {"INSTANCE_URLS", "INSTANCE_1_URL"},
        {"INSTANCES_URL", "INSTANCE_1_URL"},
        {"INSTANCES", "INSTANCE_1_URL"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_suggestion(cases[i][0], cases[i][1]);
}

/* A .env file is shared with them. */
static void a_name_of_another_program_is_passed_over(void **state)
{
    static const char *const names[] = {
        "PORTS",
        "HTTP_PORT",
        "POSTGRES_PORT",
        "UVICORN_PORT",
        "SERVER_PORT",
        "STATSD_PORT",
        "STATS_PORT",
        "METRICS_PORT",
        "REDIS_HOST",
        "HOST",
        "ADMIN_HOST",
        "DD_AGENT_HOST",
        "JAEGER_AGENT_PORT",
        "BIND_ADDR",
        "LOG_LEVELS",
        "LOGLEVEL",
        "LOG_FILE",
        "DEBUG",
        "PATH",
        "TZ",
        "HOME",
        "THREAD",
        "OMP_NUM_THREADS",
        "COMPOSE_PROJECT_NAME",
        "COMPOSE_FILE",
        "HF_TOKEN",
        "WHISPER_MODEL",
        "CUDA_VISIBLE_DEVICES",
        "GUNICORN_CMD_ARGS",
        "API_KEY",
        "API_KEYS",
        "OPENAI_API_KEY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "TLS_KEY_FILE",
        "TLS_KEY",
        "REQUESTS_CA_BUNDLE",
        "HEALTH_CHECK",
        "HEALTHCHECK",
        "HEALTH_CHECK_PATH",
        "JOB_ID",
        "JOB_NAME",
        "MAX_JOBS",
        "TIMEOUT",
        "REQUEST_ID",
        "REQUEST_TIMEOUT_MS",
        "CONNECTION_TIMEOUT",
        "MAX_CONNECTIONS_PER_HOST",
        "POSTGRES_MAX_CONNECTIONS",
        "TRUSTED_HOSTS",
        "FORWARDED_ALLOW_IPS",
        "HAPROXY_VERSION",
        "INSTANCE_ID",
        "INSTANCE_NAME",
        "INSTANCE_TYPE",
        "INSTANCE",
        "INSTANCE_1_PORT",
        "MY_INSTANCE_1_URL",
        "DATABASE_1_URL",
        "INSTANCE_COUNT",
        "",
        "_",
        "1",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        check_suggestion(names[i], NULL);
}

static void our_own_names_are_not_misspelt(void **state)
{
    static const char *const numbers[] = {"INSTANCE_1_URL", "INSTANCE_65535_URL"};

    (void)state;
    for (size_t i = 0; i < option_count; i++)
        check_suggestion(option_table[i].name, NULL);
    for (size_t i = 0; i < COUNT(numbers); i++)
        check_suggestion(numbers[i], NULL);
    /* These have an error of their own: what N is. */
    check_suggestion("INSTANCE_0_URL", NULL);
    check_suggestion("INSTANCE_N_URL", NULL);
    check_suggestion("INSTANCE__1_URL", NULL);
}

static void an_endless_name_is_near_to_nothing(void **state)
{
    char name[4000];

    (void)state;
    memset(name, '1', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    check_suggestion(name, NULL);
    memcpy(name, "INSTANCE_", 9);
    check_suggestion(name, NULL);
    memset(name, '_', sizeof(name) - 1);
    check_suggestion(name, NULL);
    name[64] = '\0'; /* the longest that is looked at */
    check_suggestion(name, NULL);
    memset(name, '1', 64);
    memcpy(name, "INSTANCE_", 9);
    memcpy(name + 60, "_URI", 4);
    check_suggestion(name, "INSTANCE_N_URL");
}

static void a_name_near_to_one_of_three_words_is_surely_meant_to_be_ours(void **state)
{
    static const struct {
        const char *name;
        bool is_sure;
    } cases[] = {
        {"INSTANCES_1_URL", true},
        {"instance_1_url", true},
        {"INSTANCE_3", true},
        {"instance_01_url", true},
        {"HEALTHCHECK_INTERVAL", true},
        {"API_KEY_FILE", true},
        {"TLS_CERT", true},
        {"tls_cert_file", true},
        {"MAX_CONNECTION", false},
        {"JOB_INTERVAL", false},
        {"JOB_FIELD", false},
        {"REQUESTS_TIMEOUT", false},
        {"BIND_ADRESS", false},
        {"port", false},
        {"log_level", false},
        {"INSTANCE_URL", false},
        {"INSTANCES", false},
        {"PATH", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[MISSPELT_SUGGESTION_MAX];
        bool is_sure;
        const char *ours = misspelt_suggest(cases[i].name, text, &is_sure);
        assert_case(cases[i].name, (ours != NULL && is_sure) == cases[i].is_sure);
    }
}

/* A .env file with one more line, and what is said of it. */
static void check_report(const char *lines, size_t error_count, size_t warning_count)
{
    char *text = xasprintf("INSTANCE_1_URL=http://a\n%s\n", lines);
    struct errors errors = {0};
    struct config *config = load_env_file(text, &errors);

    assert_case(lines, (config != NULL) == (error_count == 0));
    assert_case(lines, errors.count == error_count);
    assert_case(lines, errors.warning_count == warning_count);
    config_free(config);
    errors_free(&errors);
    free(text);
}

static void it_is_an_error_in_a_file_that_does_not_have_ours(void **state)
{
    (void)state;
    check_report("TLS_CERT=/a.pem", 1, 0);
    check_report("tls_cert_file=/a.pem", 1, 0);
    check_report("MAX_CONNECTION=9", 0, 1);
    check_report("port=80", 0, 1);
    /* A misspelt name without a value does nothing either way. */
    check_report("TLS_CERT=", 0, 0);
}

/* As the error says. */
static void an_empty_line_of_ours_makes_a_warning_of_it(void **state)
{
    (void)state;
    check_report("TLS_CERT=/a.pem\nTLS_CERT_FILE=", 0, 1);
    check_report("TLS_CERT_FILE=''\nTLS_CERT=/a.pem", 0, 1);
    check_report("API_KEY_FILE=/a\nTLS_CERT_FILE=", 1, 0);
    check_report("instance_01_url=x\nINSTANCE_N_URL=", 0, 1);
}

static void beside_the_right_name_it_is_a_warning(void **state)
{
    (void)state;
    check_report("INSTANCES_1_URL=http://b", 0, 1);
    check_report("HEALTH_CHECK_INTERVAL=30\nHEALTHCHECK_INTERVAL=5", 0, 1);
    check_report("MAX_CONNECTION=9\nMAX_CONNECTIONS=100", 0, 1);
}

static void in_the_environment_it_is_a_warning(void **state)
{
    struct errors errors = {0};
    struct config *config =
        load((variables){"INSTANCE_1_URL=http://a", "TLS_CERT=/a.pem", "port=1"}, &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(errors.warning_count, 1);
    assert_true(warnings_have(&errors, "TLS_CERT (environment): unknown variable: did you mean "
                                       "TLS_CERT_FILE?"));
    config_free(config);
    errors_free(&errors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_nearly_ours_is_found),
        cmocka_unit_test(a_name_of_another_program_is_passed_over),
        cmocka_unit_test(our_own_names_are_not_misspelt),
        cmocka_unit_test(an_endless_name_is_near_to_nothing),
        cmocka_unit_test(a_name_near_to_one_of_three_words_is_surely_meant_to_be_ours),
        cmocka_unit_test(it_is_an_error_in_a_file_that_does_not_have_ours),
        cmocka_unit_test(an_empty_line_of_ours_makes_a_warning_of_it),
        cmocka_unit_test(beside_the_right_name_it_is_a_warning),
        cmocka_unit_test(in_the_environment_it_is_a_warning),
    };

    return cmocka_run_group_tests_name("misspelt", tests, NULL, NULL);
}
