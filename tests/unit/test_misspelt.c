#include "helper.h"
#include "misspelt.h"
#include "options.h"

static void check_suggestion(const char *name, const char *expected)
{
    char text[MISSPELT_SUGGESTION_MAX];
    const char *suggestion = misspelt_suggest(name, text);

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
        "INSTANCE_URL",
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_nearly_ours_is_found),
        cmocka_unit_test(a_name_of_another_program_is_passed_over),
        cmocka_unit_test(our_own_names_are_not_misspelt),
        cmocka_unit_test(an_endless_name_is_near_to_nothing),
    };

    return cmocka_run_group_tests_name("misspelt", tests, NULL, NULL);
}
