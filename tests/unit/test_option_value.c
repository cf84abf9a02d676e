#include <unistd.h>

#include "config_helper.h"
#include "option_value.h"

static void a_number_has_a_range(void **state)
{
    static const char *const good[] = {
        "PORT=1",           "PORT=65535",    "UNHEALTHY_AFTER=1",  "UNHEALTHY_AFTER=100",
        "THREADS=1",        "THREADS=64",    "MAX_CONNECTIONS=10", "MAX_CONNECTIONS=1000000",
        "AGENT_PORT=65535", "STATUS_PORT=1", "ADMIN_PORT=65535",   "ADMIN_PORT=1",
    };
    static const struct refused bad[] = {
        {"PORT=0", "from 1 to 65535"},
        {"PORT=65536", "from 1 to 65535"},
        {"AGENT_PORT=0", "from 1 to 65535"},
        {"STATUS_PORT=65536", "from 1 to 65535"},
        {"ADMIN_PORT=99999", "from 1 to 65535"},
        {"UNHEALTHY_AFTER=0", "from 1 to 100"},
        {"UNHEALTHY_AFTER=101", "from 1 to 100"},
        {"THREADS=0", "from 1 to 64"},
        {"THREADS=65", "from 1 to 64"},
        {"MAX_CONNECTIONS=9", "from 10 to 1000000"},
        {"MAX_CONNECTIONS=1000001", "from 10 to 1000000"},
        {"THREADS=4294967297", "from 1 to 64"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void a_number_that_is_not_one_is_refused(void **state)
{
    static const struct refused cases[] = {
        {"PORT=x", "a whole number"},
        {"PORT=80x", "a whole number"},
        {"PORT=-1", "a whole number"},
        {"PORT=+1", "a whole number"},
        {"PORT=1.0", "a whole number"},
        {"PORT=1e3", "a whole number"},
        {"PORT= 80", "a whole number"},
        {"PORT=80 ", "a whole number"},
        {"PORT=0x50", "a whole number"},
        {"THREADS=two", "a whole number"},
        {"PORT=18446744073709551617", "a whole number"},
    };

    (void)state;
    check_all_refused(cases, COUNT(cases));
}

static void a_duration_is_seconds_or_has_a_unit(void **state)
{
    static const struct {
        const char *text;
        unsigned ms;
    } cases[] = {
        {"30", 30000},     {"1", 1000},       {"0.1", 100},
        {"0.125", 125},    {"1.5", 1500},     {"500ms", 500},
        {"100ms", 100},    {"2s", 2000},      {"1m", 60000},
        {"1.5m", 90000},   {"0.25m", 15000},  {"1h", 3600000},
        {"0.5h", 1800000}, {"0.001h", 3600},  {"0.01d", 864000},
        {"2.345s", 2345},  {"3600", 3600000}, {"3600000ms", 3600000},
        {"250.7ms", 250},  {"007", 7000},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char variable[80];
        struct errors errors = {0};
        snprintf(variable, sizeof(variable), "HEALTH_CHECK_INTERVAL=%s", cases[i].text);
        struct config *config = load_one(variable, &errors);
        assert_no_errors(&errors);
        if (config->check_interval_ms != cases[i].ms)
            fail_msg("%s is %u ms, not %u", cases[i].text, config->check_interval_ms, cases[i].ms);
        config_free(config);
    }
}

static void a_duration_has_a_range(void **state)
{
    static const char *const good[] = {"REQUEST_TIMEOUT=1",          "REQUEST_TIMEOUT=20d",
                                       "CONNECT_TIMEOUT=0.1",        "CONNECT_TIMEOUT=1h",
                                       "HEALTH_CHECK_INTERVAL=0.01", "HEALTH_CHECK_INTERVAL=3600"};
    static const struct refused bad[] = {
        {"REQUEST_TIMEOUT=0.999", "out of range: from 1000 ms to 1728000 s"},
        {"REQUEST_TIMEOUT=1728000.001", "out of range"},
        {"REQUEST_TIMEOUT=21d", "out of range"},
        {"CONNECT_TIMEOUT=99ms", "out of range: from 100 ms to 3600 s"},
        {"CONNECT_TIMEOUT=3600001ms", "out of range"},
        {"HEALTH_CHECK_INTERVAL=0", "out of range"},
        {"HEALTH_CHECK_INTERVAL=0.009", "out of range"},
        {"HEALTH_CHECK_INTERVAL=3600.001", "out of range"},
        {"HEALTH_CHECK_INTERVAL=2h", "out of range"},
        {"HEALTH_CHECK_INTERVAL=999999999", "out of range"},
        {"HEALTH_CHECK_INTERVAL=4294968s", "out of range"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

/* 213503983 days in thousandths of milliseconds are 2^64 and 16 hours. */
static void a_duration_too_large_for_64_bits_is_out_of_range(void **state)
{
    static const struct refused cases[] = {
        {"REQUEST_TIMEOUT=213503983d", "out of range"},
        {"REQUEST_TIMEOUT=999999999d", "out of range"},
        {"REQUEST_TIMEOUT=427007965d", "out of range"},
    };

    (void)state;
    check_all_refused(cases, COUNT(cases));
}

static void an_unknown_unit_is_refused(void **state)
{
    static const struct refused cases[] = {
        {"HEALTH_CHECK_INTERVAL=1w", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1S", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1 s", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1ss", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1us", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1e3", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1,5", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1.", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1m30s", "unknown unit"},
        {"HEALTH_CHECK_INTERVAL=1.5.5", "unit"},
    };

    (void)state;
    check_all_refused(cases, COUNT(cases));
}

static void a_duration_that_is_not_one_is_refused(void **state)
{
    static const struct refused cases[] = {
        {"HEALTH_CHECK_INTERVAL=s", "expected a number"},
        {"HEALTH_CHECK_INTERVAL=-1", "expected a number"},
        {"HEALTH_CHECK_INTERVAL=.5", "expected a number"},
        {"HEALTH_CHECK_INTERVAL= 5", "expected a number"},
        {"HEALTH_CHECK_INTERVAL=0.1234", "expected a number"},
        {"HEALTH_CHECK_INTERVAL=1000000000", "expected a number"},
        {"HEALTH_CHECK_INTERVAL=never", "expected a number"},
    };

    (void)state;
    check_all_refused(cases, COUNT(cases));
}

static void a_log_level_may_be_in_any_case(void **state)
{
    static const char *const good[] = {"LOG_LEVEL=DEBUG", "LOG_LEVEL=info", "LOG_LEVEL=Warning",
                                       "LOG_LEVEL=ERROR"};
    static const struct refused bad[] = {
        {"LOG_LEVEL=TRACE", "DEBUG, INFO, WARNING or ERROR"},
        {"LOG_LEVEL=WARN", "DEBUG, INFO, WARNING or ERROR"},
        {"LOG_LEVEL=INFO ", "DEBUG, INFO, WARNING or ERROR"},
        {"LOG_LEVEL=0", "DEBUG, INFO, WARNING or ERROR"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void a_bind_address_is_an_ip_address_or_a_star(void **state)
{
    static const char *const good[] = {"BIND_ADDRESS=*", "BIND_ADDRESS=0.0.0.0",
                                       "BIND_ADDRESS=::", "ADMIN_BIND_ADDRESS=::1",
                                       "AGENT_BIND_ADDRESS=10.0.0.1"};
    static const struct refused bad[] = {
        {"BIND_ADDRESS=localhost", "an IP address, or *"},
        {"BIND_ADDRESS=[::]", "an IP address, or *"},
        {"BIND_ADDRESS=256.0.0.1", "an IP address, or *"},
        {"BIND_ADDRESS=10.1", "an IP address, or *"},
        {"BIND_ADDRESS=0.0.0.0:80", "an IP address, or *"},
        {"BIND_ADDRESS=fe80::1%eth0", "an IP address, or *"},
        {"BIND_ADDRESS=* ssl", "an IP address, or *"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void the_agents_host_is_an_ip_address_or_a_name(void **state)
{
    static const char *const good[] = {"AGENT_HOST=agent", "AGENT_HOST=a.b-c", "AGENT_HOST=::1",
                                       "AGENT_HOST=10.0.0.1"};
    static const struct refused bad[] = {
        {"AGENT_HOST=my_agent", "RFC 1123"}, {"AGENT_HOST=10.0.1", "RFC 1123"},
        {"AGENT_HOST=a b", "RFC 1123"},      {"AGENT_HOST=agent:80", "RFC 1123"},
        {"AGENT_HOST=*", "RFC 1123"},        {"AGENT_HOST=a#b", "RFC 1123"},
        {"AGENT_HOST=[::1]", "RFC 1123"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void a_file_is_an_absolute_path_without_odd_characters(void **state)
{
    static const char *const good[] = {"HAPROXY_SOCKET=/a", "HAPROXY_SOCKET=/a/b-c._~:@+=Z9",
                                       "INSTANCE_CA_FILE=/dev/null"};
    static const struct refused bad[] = {
        {"HAPROXY_SOCKET=a/b", "an absolute path"},
        {"HAPROXY_SOCKET=/a b", "an absolute path"},
        {"HAPROXY_SOCKET=/a,:9999,/b", "an absolute path"},
        {"HAPROXY_SOCKET=/a\"", "an absolute path"},
        {"HAPROXY_SOCKET=/a'", "an absolute path"},
        {"HAPROXY_SOCKET=/a#", "an absolute path"},
        {"HAPROXY_SOCKET=/a\\", "an absolute path"},
        {"HAPROXY_SOCKET=/a$b", "an absolute path"},
        {"HAPROXY_SOCKET=/a%b", "an absolute path"},
        {"INSTANCE_CA_FILE=ca.pem", "an absolute path"},
        {"INSTANCE_CA_FILE=@system-ca", "an absolute path"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void a_relative_file_is_refused_with_where_it_would_be(void **state)
{
    char old[1024];

    (void)state;
    assert_non_null(getcwd(old, sizeof(old)));
    assert_int_equal(chdir("/tmp"), 0);
    check_refused("API_KEYS_FILE=keys", "an absolute path, since HAProxy and the agent may run in "
                                        "other folders: from here it would be /tmp/keys");
    assert_int_equal(chdir(old), 0);
}

static void a_health_path_is_a_plain_path(void **state)
{
    static const char *const good[] = {"HEALTH_PATH=/", "HEALTH_PATH=/v2/health/ready",
                                       "HEALTH_PATH=/a?b", "HEALTH_PATH=/a?x=%20&y=/?:@"};
    static const struct refused bad[] = {
        {"HEALTH_PATH=health", "a path such as"}, {"HEALTH_PATH=/a b", "a path such as"},
        {"HEALTH_PATH=/a?b c", "a path such as"}, {"HEALTH_PATH=/a/../b", "a path such as"},
        {"HEALTH_PATH=/a?%2", "a path such as"},  {"HEALTH_PATH=:1/a", "a path such as"},
        {"HEALTH_PATH=//a", "a path such as"},    {"HEALTH_PATH=/a%20b", "a path such as"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void extra_paths_are_plain_paths_between_commas(void **state)
{
    static const char *const good[] = {
        "EXTRA_PATHS=/v1/models", "EXTRA_PATHS=/v1/models,/docs/", "EXTRA_PATHS=/",
        "EXTRA_PATHS=/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16"};
    static const struct refused bad[] = {
        {"EXTRA_PATHS=,", "paths separated by commas"},
        {"EXTRA_PATHS=/a,", "paths separated by commas"},
        {"EXTRA_PATHS=,/a", "paths separated by commas"},
        {"EXTRA_PATHS=/a,,/b", "paths separated by commas"},
        {"EXTRA_PATHS=/a, /b", "paths separated by commas"},
        {"EXTRA_PATHS=/a,b", "paths separated by commas"},
        {"EXTRA_PATHS=/a /b", "paths separated by commas"},
        {"EXTRA_PATHS=/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,/17", "at most 16"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void proxy_paths_are_paths_and_presets(void **state)
{
    static const char *const good[] = {
        "PROXY_PATHS=whisperx",
        "PROXY_PATHS=openai,whisperx",
        "PROXY_PATHS=/v1/models,openai,/docs/*,/docs/,/x*",
        "PROXY_PATHS=/",
        "PROXY_PATHS=/*",
        "PROXY_PATHS=/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,openai"};
    static const struct refused bad[] = {
        {"PROXY_PATHS=,", "paths and presets separated by commas"},
        {"PROXY_PATHS=openai,", "paths and presets separated by commas"},
        {"PROXY_PATHS=openai,,/a", "paths and presets separated by commas"},
        {"PROXY_PATHS=OpenAI", "\"OpenAI\" is no preset (whisperx, openai) and no path"},
        {"PROXY_PATHS=/a,v1/models", "\"v1/models\" is no preset"},
        {"PROXY_PATHS=/a, /b", "\" /b\" is no preset"},
        {"PROXY_PATHS=*", "\"*\" is no preset"},
        {"PROXY_PATHS=openai*", "\"openai*\" is no preset"},
        {"PROXY_PATHS=/a**", "\"/a**\": expected a path"},
        {"PROXY_PATHS=/a*/b", "\"/a*/b\": expected a path"},
        {"PROXY_PATHS=openai,/a/../b", "\"/a/../b\": expected a path"},
        {"PROXY_PATHS=/a/..*", "\"/a/..*\": expected a path"},
        {"PROXY_PATHS=/a b", "\"/a b\": expected a path"},
        {"PROXY_PATHS=/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,openai", "at most 16"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void cors_origins_are_a_list_of_origins_or_a_word(void **state)
{
    static const char *const good[] = {"CORS_ORIGINS=*", "CORS_ORIGINS=none",
                                       "CORS_ORIGINS=https://a.example,http://localhost:3000"};
    static const struct refused bad[] = {
        {"CORS_ORIGINS=https://a.example,", "at most 16 origins separated by commas"},
        {"CORS_ORIGINS=https://a.example,*", "* stands for all origins"},
        {"CORS_ORIGINS=none,https://a.example", "an origin as browsers send it"},
        {"CORS_ORIGINS=https://a.example,http://B.example/", "did you mean http://b.example?"},
        {"CORS_ORIGINS=a://1,a://2,a://3,a://4,a://5", "an origin as browsers send it"},
        {"CORS_ORIGINS=a://b,a://b,a://b,a://b,a://b,a://b,a://b,a://b,a://b,a://b,a://b,a://b,"
         "a://b,a://b,a://b,a://b,a://b",
         "at most 16 origins"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void a_jobs_field_is_a_list_of_json_pointers(void **state)
{
    static const char *const good[] = {
        "JOBS_FIELD=/a",       "JOBS_FIELD=/a/0/b,/c",
        "JOBS_FIELD=/a~0b~1c", "JOBS_FIELD=/",
        "JOBS_FIELD=/a b",     "JOBS_FIELD=/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16"};
    static const struct refused bad[] = {
        {"JOBS_FIELD=active_jobs", "JSON Pointers"},
        {"JOBS_FIELD=/a~2", "JSON Pointers"},
        {"JOBS_FIELD=/a~", "JSON Pointers"},
        {"JOBS_FIELD=/a~,/b", "JSON Pointers"},
        {"JOBS_FIELD=/a,", "JSON Pointers"},
        {"JOBS_FIELD=/a,b", "JSON Pointers"},
        {"JOBS_FIELD=$.active_jobs", "JSON Pointers"},
        {"JOBS_FIELD=#/a", "JSON Pointers"},
        {"JOBS_FIELD=/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,/17", "at most 16"},
    };

    (void)state;
    check_all_accepted(good, COUNT(good));
    check_all_refused(bad, COUNT(bad));
}

static void a_pointer_without_its_slash_is_refused_with_the_one_that_has_it(void **state)
{
    static const struct refused cases[] = {
        {"JOBS_FIELD=active_jobs",
         "JSON Pointers (RFC 6901) separated by commas, or added up with +, such as "
         "/active_jobs,/concurrency/active_transcriptions: did you mean "
         "/active_jobs?"},
        {"JOBS_FIELD=/a,b.c", "did you mean /a,/b/c?"},
        {"JOBS_FIELD=$.a.b", "did you mean /a/b?"},
        {"JOBS_FIELD=/a, /b", "did you mean /a,/b?"},
        {"JOBS_FIELD=/a , b.c ,  $.d", "did you mean /a,/b/c,/d?"},
        {"JOBS_FIELD=#/a.b", "did you mean /a.b?"},
        {"JOB_ID_FIELD=job_id", "did you mean /job_id?"},
        {"JOB_ID_FIELD=job.id", "did you mean /job/id?"},
    };
    static const char *const hopeless[] = {"JOBS_FIELD=a,", "JOBS_FIELD=,a", "JOBS_FIELD=/a~2",
                                           "JOB_ID_FIELD=0", "JOB_ID_FIELD=/a~1b"};

    (void)state;
    check_all_refused(cases, COUNT(cases));
    for (size_t i = 0; i < COUNT(hopeless); i++) {
        struct errors errors = {0};
        assert_null(load_one(hopeless[i], &errors));
        assert_case(hopeless[i], !errors_have(&errors, "did you mean"));
        errors_free(&errors);
    }
}

static void a_job_id_is_at_a_pointer_that_haproxy_can_follow(void **state)
{
    static const struct {
        const char *text;
        bool is_good;
    } cases[] = {{"/job_id", true}, {"/a/b-c/_d9", true}, {"job_id", false}, {"/", false},
                 {"/a/", false},    {"/0", false},        {"/a//b", false},  {"/a.b", false},
                 {"/a~1b", false},  {"/a'b", false},      {"/a b", false},   {"/a/1", false}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct settings settings = {0};
        struct errors errors = {0};
        settings_add(&settings, "INSTANCE_1_URL", "http://a", "test");
        settings_add(&settings, "JOB_ID_FIELD", cases[i].text, "test");
        struct config *config = config_from_settings(&settings, &errors);
        if ((config != NULL) != cases[i].is_good)
            fail_msg("%s is %s", cases[i].text, config == NULL ? "refused" : "taken");
        config_free(config);
        errors_free(&errors);
        settings_free(&settings);
    }
}

static void trusted_proxies_are_addresses_and_networks_or_none(void **state)
{
    static const char *const good[] = {
        "TRUSTED_PROXIES=none",       "TRUSTED_PROXIES=10.0.0.0/8,::1", "TRUSTED_PROXIES=0.0.0.0/0",
        "TRUSTED_PROXIES=1.2.3.4/32", "TRUSTED_PROXIES=fe80::/10",      "TRUSTED_PROXIES=::/0",
        "TRUSTED_PROXIES=1.2.3.4",    "TRUSTED_PROXIES=2001:db8::1/128"};
    static const char *const bad[] = {
        "TRUSTED_PROXIES=10.0.0.0/33",  "TRUSTED_PROXIES=::/129",
        "TRUSTED_PROXIES=10.0.0.0/",    "TRUSTED_PROXIES=10.0.0.0/08",
        "TRUSTED_PROXIES=10.0.0.0/-1",  "TRUSTED_PROXIES=10.0.0.0/8/8",
        "TRUSTED_PROXIES=10.0.0/8",     "TRUSTED_PROXIES=,",
        "TRUSTED_PROXIES=1.2.3.4,",     "TRUSTED_PROXIES=none,::1",
        "TRUSTED_PROXIES=proxy",        "TRUSTED_PROXIES=1.2.3.4, ::1",
        "TRUSTED_PROXIES=[::1]",        "TRUSTED_PROXIES=/8",
        "TRUSTED_PROXIES=10.0.0.0/8 if"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        check_accepted(good[i]);
    for (size_t i = 0; i < COUNT(bad); i++)
        check_refused(bad[i], "or none");
    struct config *config = load_good((variables){"INSTANCE_1_URL=http://a", "TRUSTED_PROXIES="});
    assert_string_equal(config->trusted_proxies,
                        "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7");
    config_free(config);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_a_range),
        cmocka_unit_test(a_number_that_is_not_one_is_refused),
        cmocka_unit_test(a_duration_is_seconds_or_has_a_unit),
        cmocka_unit_test(a_duration_has_a_range),
        cmocka_unit_test(a_duration_too_large_for_64_bits_is_out_of_range),
        cmocka_unit_test(an_unknown_unit_is_refused),
        cmocka_unit_test(a_duration_that_is_not_one_is_refused),
        cmocka_unit_test(a_log_level_may_be_in_any_case),
        cmocka_unit_test(a_bind_address_is_an_ip_address_or_a_star),
        cmocka_unit_test(the_agents_host_is_an_ip_address_or_a_name),
        cmocka_unit_test(a_file_is_an_absolute_path_without_odd_characters),
        cmocka_unit_test(a_relative_file_is_refused_with_where_it_would_be),
        cmocka_unit_test(a_health_path_is_a_plain_path),
        cmocka_unit_test(extra_paths_are_plain_paths_between_commas),
        cmocka_unit_test(proxy_paths_are_paths_and_presets),
        cmocka_unit_test(cors_origins_are_a_list_of_origins_or_a_word),
        cmocka_unit_test(a_jobs_field_is_a_list_of_json_pointers),
        cmocka_unit_test(a_pointer_without_its_slash_is_refused_with_the_one_that_has_it),
        cmocka_unit_test(a_job_id_is_at_a_pointer_that_haproxy_can_follow),
        cmocka_unit_test(trusted_proxies_are_addresses_and_networks_or_none),
    };

    return cmocka_run_group_tests_name("option_value", tests, NULL, NULL);
}
