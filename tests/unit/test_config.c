#include <unistd.h>

#include "config.h"
#include "helper.h"
#include "options.h"

#define VARIABLES_MAX 40

/* "NAME=VALUE" texts, ended by NULL: what a test sets. */
typedef const char *const variables[VARIABLES_MAX];

static struct config *load(variables texts, struct errors *errors)
{
    struct settings settings = {0};

    for (size_t i = 0; texts[i] != NULL; i++) {
        const char *equals = strchr(texts[i], '=');
        char *name = strndup(texts[i], (size_t)(equals - texts[i]));
        settings_add(&settings, name, equals + 1, "environment");
        free(name);
    }
    struct config *config = config_from_settings(&settings, errors);
    settings_free(&settings);
    return config;
}

static struct config *load_good(variables texts)
{
    struct errors errors = {0};
    struct config *config = load(texts, &errors);

    if (errors.count > 0)
        fail_msg("%s", errors.errors[0]);
    assert_non_null(config);
    errors_free(&errors);
    return config;
}

/* One instance and one more variable, "NAME=VALUE". */
static struct config *load_one(const char *variable, struct errors *errors)
{
    variables texts = {"INSTANCE_1_URL=http://a", variable};

    return load(texts, errors);
}

static void check_accepted(const char *variable)
{
    struct errors errors = {0};
    struct config *config = load_one(variable, &errors);

    if (config == NULL)
        fail_msg("%s", errors.count > 0 ? errors.errors[0] : variable);
    config_free(config);
    errors_free(&errors);
}

/* Refused with one message, which names the variable, the value and where it came from. */
static void check_refused(const char *variable, const char *why)
{
    struct errors errors = {0};
    struct config *config = load_one(variable, &errors);
    const char *equals = strchr(variable, '=');
    char named[300];

    if (config != NULL)
        fail_msg("%s was accepted", variable);
    if (errors.count != 1)
        fail_msg("%s: %zu errors, not 1", variable, errors.count);
    snprintf(named, sizeof(named), "%.*s=\"%.200s\" (environment): ", (int)(equals - variable),
             variable, equals + 1);
    if (strncmp(errors.errors[0], named, strlen(named)) != 0)
        fail_msg("\"%s\" doesn't begin with '%s'", errors.errors[0], named);
    assert_contains(errors.errors[0], why);
    errors_free(&errors);
}

struct refused {
    const char *variable;
    const char *why;
};

static void check_all_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_refused(cases[i].variable, cases[i].why);
}

static void check_all_accepted(const char *const *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_accepted(cases[i]);
}

static void one_instance_is_enough_and_the_rest_has_defaults(void **state)
{
    struct config *c = load_good((variables){"INSTANCE_1_URL=http://a:8000"});

    (void)state;
    assert_int_equal(c->instance_count, 1);
    assert_int_equal(c->instances[0].number, 1);
    assert_string_equal(c->instances[0].url.text, "http://a:8000");
    assert_string_equal(c->instances[0].origin, "environment");
    assert_int_equal(c->port, 8080);
    assert_string_equal(c->bind_address, "*");
    assert_int_equal(c->check_interval_ms, 30000);
    assert_string_equal(c->health_path, "/health");
    assert_string_equal(c->jobs_field, "/active_jobs,/concurrency/active_transcriptions");
    assert_int_equal(c->unhealthy_after, 3);
    assert_int_equal(c->request_timeout_ms, 3600000);
    assert_int_equal(c->connect_timeout_ms, 3000);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_null(c->instance_ca_file);
    assert_null(c->extra_paths);
    assert_int_equal(c->threads, 1);
    assert_int_equal(c->max_connections, 0);
    assert_string_equal(c->agent_host, "127.0.0.1");
    assert_string_equal(c->agent_bind_address, "127.0.0.1");
    assert_int_equal(c->agent_port, 9777);
    assert_int_equal(c->status_port, 9778);
    assert_string_equal(c->admin_bind_address, "127.0.0.1");
    assert_int_equal(c->admin_port, 8404);
    assert_string_equal(c->haproxy_socket, "/run/leastjobs/haproxy.sock");
    config_free(c);
}

static void every_variable_sets_its_field(void **state)
{
    struct config *c = load_good((variables){"INSTANCE_1_URL=http://a",
                                             "PORT=1",
                                             "BIND_ADDRESS=::",
                                             "HEALTH_CHECK_INTERVAL=2",
                                             "HEALTH_PATH=/h",
                                             "JOBS_FIELD=/j",
                                             "UNHEALTHY_AFTER=5",
                                             "REQUEST_TIMEOUT=6",
                                             "CONNECT_TIMEOUT=7",
                                             "LOG_LEVEL=error",
                                             "INSTANCE_CA_FILE=/dev/null",
                                             "EXTRA_PATHS=/x,/y/",
                                             "THREADS=8",
                                             "MAX_CONNECTIONS=90",
                                             "AGENT_HOST=agent",
                                             "AGENT_BIND_ADDRESS=::1",
                                             "AGENT_PORT=10",
                                             "STATUS_PORT=11",
                                             "ADMIN_BIND_ADDRESS=0.0.0.0",
                                             "ADMIN_PORT=12",
                                             "HAPROXY_SOCKET=/s"});

    (void)state;
    assert_int_equal(c->port, 1);
    assert_string_equal(c->bind_address, "::");
    assert_int_equal(c->check_interval_ms, 2000);
    assert_string_equal(c->health_path, "/h");
    assert_string_equal(c->jobs_field, "/j");
    assert_int_equal(c->unhealthy_after, 5);
    assert_int_equal(c->request_timeout_ms, 6000);
    assert_int_equal(c->connect_timeout_ms, 7000);
    assert_int_equal(c->log_level, LOG_ERROR);
    assert_string_equal(c->instance_ca_file, "/dev/null");
    assert_string_equal(c->extra_paths, "/x,/y/");
    assert_int_equal(c->threads, 8);
    assert_int_equal(c->max_connections, 90);
    assert_string_equal(c->agent_host, "agent");
    assert_string_equal(c->agent_bind_address, "::1");
    assert_int_equal(c->agent_port, 10);
    assert_int_equal(c->status_port, 11);
    assert_string_equal(c->admin_bind_address, "0.0.0.0");
    assert_int_equal(c->admin_port, 12);
    assert_string_equal(c->haproxy_socket, "/s");
    config_free(c);
}

static void without_an_instance_the_message_says_what_to_set(void **state)
{
    static const char message[] =
        "At least one instance endpoint must be configured: set INSTANCE_1_URL";
    struct errors errors = {0};

    (void)state;
    assert_null(load((variables){NULL}, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0], message);
    errors_free(&errors);
    assert_null(load((variables){"INSTANCE_1_URL=", "PORT=80"}, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.errors[0], message);
    errors_free(&errors);
}

static void instances_are_in_the_order_of_their_numbers_which_may_have_gaps(void **state)
{
    static const unsigned numbers[] = {1, 2, 10, 300, 65535};
    struct config *config = load_good((variables){
        "INSTANCE_300_URL=http://d", "INSTANCE_10_URL=http://c", "INSTANCE_65535_URL=http://e",
        "INSTANCE_2_URL=http://b", "INSTANCE_1_URL=http://a"});

    (void)state;
    assert_int_equal(config->instance_count, COUNT(numbers));
    for (size_t i = 0; i < COUNT(numbers); i++) {
        assert_int_equal(config->instances[i].number, numbers[i]);
        assert_int_equal(config->instances[i].url.host[0], 'a' + (int)i);
    }
    config_free(config);
}

static void an_instance_number_that_is_not_one_is_ignored_with_a_warning(void **state)
{
    static const char *const names[] = {
        "INSTANCE_0_URL",  "INSTANCE_01_URL", "INSTANCE_65536_URL",     "INSTANCE_-1_URL",
        "INSTANCE_1A_URL", "INSTANCE_A_URL",  "INSTANCE_4294967297_URL"};

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char variable[80];
        struct errors errors = {0};
        snprintf(variable, sizeof(variable), "%s=http://b", names[i]);
        struct config *config = load_one(variable, &errors);
        assert_case(names[i], config != NULL && config->instance_count == 1);
        assert_case(names[i], errors.warning_count == 1 && warnings_have(&errors, names[i]));
        config_free(config);
        errors_free(&errors);
    }
}

static void variables_of_other_programs_are_passed_over(void **state)
{
    struct errors errors = {0};
    struct config *config =
        load((variables){"INSTANCE_1_URL=http://a", "INSTANCE__URL=x", "INSTANCE_1_URLS=x",
                         "MY_INSTANCE_1_URL=x", "INSTANCE_1=x", "PATH=/bin", "port=x", "HOME=/"},
             &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->instance_count, 1);
    assert_int_equal(errors.warning_count, 0);
    config_free(config);
}

/* INSTANCE_0_URL may be anybody's variable; a number in our own file is ours alone. */
static void an_instance_number_out_of_range_in_our_own_file_is_refused(void **state)
{
    static const char *const numbers[] = {"0", "-1", "65536"};
    char *environment[] = {(char[]){"INSTANCE_1_URL=http://a"}, NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        char path[] = "/tmp/leastjobs-test-XXXXXX";
        struct errors errors = {0};
        FILE *file = fdopen(mkstemp(path), "w");
        assert_non_null(file);
        assert_true(fprintf(file, "instances = ( { number = %s; url = \"http://b\"; } );\n",
                            numbers[i]) > 0);
        assert_int_equal(fclose(file), 0);
        struct config *config = config_load(
            &(struct config_sources){.environment = environment, .config_file = path}, &errors);
        unlink(path);
        assert_case(numbers[i], config == NULL && errors.count == 1);
        errors_free(&errors);
    }
}

static void a_bad_url_is_refused_with_variable_value_and_reason(void **state)
{
    static const struct refused cases[] = {
        {"INSTANCE_2_URL=ftp://host", "scheme"},
        {"INSTANCE_2_URL=http://host?a", "query"},
        {"INSTANCE_2_URL=http://host#a", "fragment"},
        {"INSTANCE_2_URL=http://host:0", "port"},
        {"INSTANCE_2_URL=http://my_host", "RFC 1123"},
        {"INSTANCE_2_URL=http://host/%20", "character %"},
        {"INSTANCE_2_URL=http://host \"", "space"},
    };

    (void)state;
    check_all_refused(cases, COUNT(cases));
}

static void a_bad_url_is_not_also_reported_as_missing(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(load((variables){"INSTANCE_1_URL=ftp://a"}, &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "INSTANCE_1_URL=\"ftp://a\"");
    errors_free(&errors);
}

static void a_message_shows_neither_password_nor_control_characters(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(load((variables){"INSTANCE_1_URL=http://user:secret@host", "PORT=1\n2\x1b[31m\x7f",
                                 "INSTANCE_2_URL=http://user:secret@host/%"},
                     &errors));
    assert_int_equal(errors.count, 3);
    assert_error(&errors, "INSTANCE_1_URL=\"http://***@host\"");
    assert_error(&errors, "INSTANCE_2_URL=\"http://***@host/%\"");
    assert_error(&errors, "PORT=\"1?2?[31m?\" (environment): ");
    assert_false(errors_have(&errors, "secret"));
    errors_free(&errors);
}

/* In haproxy.cfg a newline would begin a directive of its own. */
static void a_newline_in_any_text_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_info *option = &option_table[i];
        char variable[200];
        struct errors errors = {0};
        snprintf(variable, sizeof(variable), "%s=%s\n", option->name,
                 option->fallback == NULL ? "/dev/null" : option->fallback);
        assert_case(option->name, load_one(variable, &errors) == NULL);
        assert_case(option->name, errors_have(&errors, option->name));
        errors_free(&errors);
    }
}

static void an_endless_value_is_shown_in_part(void **state)
{
    char variable[5000] = "PORT=";
    struct errors errors = {0};

    (void)state;
    memset(variable + 5, 'x', sizeof(variable) - 6);
    assert_null(load_one(variable, &errors));
    assert_int_equal(errors.count, 1);
    assert_true(strlen(errors.errors[0]) < 300);
    errors_free(&errors);
}

static void the_same_url_twice_is_refused(void **state)
{
    static const char *const same[] = {"http://A:80", "http://a/", "a", "HTTP://a"};

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        char variable[80];
        struct errors errors = {0};
        snprintf(variable, sizeof(variable), "INSTANCE_7_URL=%s", same[i]);
        assert_case(same[i], load_one(variable, &errors) == NULL);
        assert_case(same[i], errors.count == 1);
        assert_error(&errors, "INSTANCE_7_URL=\"http://a\" (environment): the same URL as "
                              "INSTANCE_1_URL (environment)");
        errors_free(&errors);
    }
}

static void urls_that_differ_in_scheme_port_or_path_are_different(void **state)
{
    static const char *const others[] = {"INSTANCE_2_URL=https://a", "INSTANCE_2_URL=http://a:81",
                                         "INSTANCE_2_URL=http://a/b", "INSTANCE_2_URL=http://a.b"};

    (void)state;
    check_all_accepted(others, COUNT(others));
}

static void each_further_copy_of_a_url_is_one_error(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(load((variables){"INSTANCE_5_URL=http://a", "INSTANCE_1_URL=http://a",
                                 "INSTANCE_3_URL=http://a", "INSTANCE_2_URL=http://b"},
                     &errors));
    assert_int_equal(errors.count, 2);
    assert_error(&errors,
                 "INSTANCE_3_URL=\"http://a\" (environment): the same URL as INSTANCE_1_URL");
    assert_error(&errors,
                 "INSTANCE_5_URL=\"http://a\" (environment): the same URL as INSTANCE_3_URL");
    errors_free(&errors);
}

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

static void a_ca_file_that_is_not_there_is_refused(void **state)
{
    (void)state;
    check_refused("INSTANCE_CA_FILE=/nowhere/ca.pem", "can't be read");
}

static void a_folder_is_no_ca_file(void **state)
{
    (void)state;
    check_refused("INSTANCE_CA_FILE=/etc", "");
}

static void a_socket_path_has_at_most_90_characters(void **state)
{
    char variable[128] = "HAPROXY_SOCKET=/";
    size_t start = strlen("HAPROXY_SOCKET=");

    (void)state;
    memset(variable + start + 1, 'a', 90);
    variable[start + 90] = '\0';
    check_accepted(variable);
    memset(variable + start + 1, 'a', 90);
    variable[start + 91] = '\0';
    check_refused(variable, "90 characters");
}

static void a_health_path_is_a_plain_path(void **state)
{
    static const char *const good[] = {"HEALTH_PATH=/", "HEALTH_PATH=/v2/health/ready"};
    static const struct refused bad[] = {
        {"HEALTH_PATH=health", "a path such as"}, {"HEALTH_PATH=/a b", "a path such as"},
        {"HEALTH_PATH=/a?b", "a path such as"},   {"HEALTH_PATH=/a/../b", "a path such as"},
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

static void a_port_used_twice_is_refused(void **state)
{
    static const struct {
        const char *first;
        const char *second;
        const char *message;
    } cases[] = {
        {"PORT=9777", NULL, "AGENT_PORT=\"9777\" (default): the same port as PORT"},
        {"AGENT_PORT=8080", NULL, "AGENT_PORT=\"8080\" (environment): the same port as PORT"},
        {"STATUS_PORT=8080", NULL, "STATUS_PORT=\"8080\" (environment): the same port as PORT"},
        {"ADMIN_PORT=8080", NULL, "ADMIN_PORT=\"8080\" (environment): the same port as PORT"},
        {"AGENT_PORT=9778", NULL, "STATUS_PORT=\"9778\" (default): the same port as AGENT_PORT"},
        {"ADMIN_PORT=9777", NULL, "ADMIN_PORT=\"9777\" (environment): the same port as AGENT_PORT"},
        {"STATUS_PORT=5", "ADMIN_PORT=5",
         "ADMIN_PORT=\"5\" (environment): the same port as STATUS_PORT"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        assert_null(
            load((variables){"INSTANCE_1_URL=http://a", cases[i].first, cases[i].second}, &errors));
        assert_int_equal(errors.count, 1);
        assert_error(&errors, cases[i].message);
        errors_free(&errors);
    }
}

static void all_errors_of_one_run_are_reported_together(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(
        load((variables){"PORT=x", "LOG_LEVEL=loud", "THREADS=0", "INSTANCE_1_URL=ftp://a",
                         "INSTANCE_2_URL=http://b", "INSTANCE_3_URL=http://b:80", "ADMIN_PORT=9778",
                         "INSTANCE_CA_FILE=/nowhere", "HEALTH_CHECK_INTERVAL=1w"},
             &errors));
    assert_int_equal(errors.count, 8);
    assert_error(&errors, "PORT=\"x\"");
    assert_error(&errors, "LOG_LEVEL=\"loud\"");
    assert_error(&errors, "THREADS=\"0\"");
    assert_error(&errors, "INSTANCE_1_URL=\"ftp://a\"");
    assert_error(&errors, "INSTANCE_3_URL=\"http://b\"");
    assert_error(&errors, "ADMIN_PORT=\"9778\"");
    assert_error(&errors, "INSTANCE_CA_FILE=\"/nowhere\"");
    assert_error(&errors, "HEALTH_CHECK_INTERVAL=\"1w\"");
    errors_free(&errors);
}

static void errors_are_printed_one_a_line_after_the_warnings(void **state)
{
    struct errors errors = {0};
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    assert_non_null(out);
    errors_add(&errors, "bad %d", 1);
    errors_warn(&errors, "odd %s", "x");
    errors_add(&errors, "bad %d", 2);
    errors_print(&errors, "prog", out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "prog: warning: odd x\nprog: error: bad 1\nprog: error: bad 2\n");
    free(text);
    errors_free(&errors);
    assert_int_equal(errors.count, 0);
}

static void an_https_address_is_warned_of(void **state)
{
    struct errors errors = {0};
    struct config *config =
        load((variables){"INSTANCE_1_URL=https://10.0.0.1", "INSTANCE_2_URL=https://[::1]",
                         "INSTANCE_3_URL=https://name", "INSTANCE_4_URL=http://10.0.0.1"},
             &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(errors.warning_count, 2);
    assert_true(warnings_have(&errors, "INSTANCE_1_URL=\"https://10.0.0.1\""));
    assert_true(warnings_have(&errors, "INSTANCE_2_URL=\"https://[::1]\""));
    config_free(config);
    errors_free(&errors);
}

static void more_than_ten_thousand_instances_are_refused(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    settings.items = calloc(INSTANCES_MAX + 1, sizeof(*settings.items));
    assert_non_null(settings.items);
    settings.count = INSTANCES_MAX + 1;
    for (unsigned i = 0; i < settings.count; i++) {
        char text[64];
        snprintf(text, sizeof(text), "INSTANCE_%u_URL", i + 1);
        settings.items[i].name = strdup(text);
        snprintf(text, sizeof(text), "http://10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        settings.items[i].value = strdup(text);
        settings.items[i].origin = strdup("environment");
    }
    assert_null(config_from_settings(&settings, &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "10001 instances are configured: at most 10000");
    errors_free(&errors);
    settings.count--;
    struct config *config = config_from_settings(&settings, &errors);
    assert_no_errors(&errors);
    assert_int_equal(config->instance_count, INSTANCES_MAX);
    config_free(config);
    settings.count++;
    settings_free(&settings);
}

static void the_interval_between_counts_is_never_longer_than_the_one_between_checks(void **state)
{
    static const unsigned cases[][3] = {
        {30000, 1000, 1000}, {30000, 40000, 30000}, {500, 1000, 500}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct settings settings = {0};
        struct errors errors = {0};
        char text[2][32];
        snprintf(text[0], sizeof(text[0]), "%ums", cases[i][0]);
        snprintf(text[1], sizeof(text[1]), "%ums", cases[i][1]);
        settings_add(&settings, "INSTANCE_1_URL", "http://a", "test");
        settings_add(&settings, "HEALTH_CHECK_INTERVAL", text[0], "test");
        settings_add(&settings, "JOBS_INTERVAL", text[1], "test");
        struct config *config = config_from_settings(&settings, &errors);
        assert_no_errors(&errors);
        assert_int_equal(config->jobs_interval_ms, cases[i][2]);
        assert_int_equal(config->check_timeout_ms, 5000);
        config_free(config);
        settings_free(&settings);
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

static void agent_checks_are_a_quarter_of_the_interval_apart(void **state)
{
    static const unsigned cases[][2] = {{10, 5},      {20, 5},      {24, 6},       {400, 100},
                                        {404, 101},   {1000, 250},  {2000, 500},   {3996, 999},
                                        {4000, 1000}, {4004, 1000}, {30000, 1000}, {3600000, 1000}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config config = {.check_interval_ms = cases[i][0]};
        assert_int_equal(config_agent_inter_ms(&config), cases[i][1]);
    }
}

static void write_text(char *path, const char *text)
{
    FILE *file = fdopen(mkstemp(path), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void environment_goes_before_env_file_goes_before_configuration_file(void **state)
{
    char env_file[] = "/tmp/leastjobs-test-XXXXXX";
    char config_file[] = "/tmp/leastjobs-test-XXXXXX";
    char *environment[] = {(char[]){"INSTANCE_1_URL=http://e"}, (char[]){"THREADS="}, NULL};
    struct errors errors = {0};

    (void)state;
    write_text(env_file, "INSTANCE_1_URL=http://f\nINSTANCE_2_URL=http://f2\nPORT=2\nTHREADS=3\n");
    write_text(config_file, "port = 4; threads = 5; unhealthy_after = 6;\n"
                            "instances = ( { number = 2; url = \"http://c\"; },"
                            " { number = 3; url = \"http://c3\"; } );\n");
    struct config *config = config_load(&(struct config_sources){.environment = environment,
                                                                 .env_file = env_file,
                                                                 .config_file = config_file},
                                        &errors);
    unlink(env_file);
    unlink(config_file);
    assert_no_errors(&errors);
    assert_int_equal(config->instance_count, 3);
    assert_string_equal(config->instances[0].url.host, "e");
    assert_string_equal(config->instances[1].url.host, "f2");
    assert_string_equal(config->instances[2].url.host, "c3");
    assert_int_equal(config->port, 2);
    assert_int_equal(config->threads, 3);
    assert_int_equal(config->unhealthy_after, 6);
    config_free(config);
}

static void an_error_in_a_file_is_reported_with_those_of_the_values(void **state)
{
    char *environment[] = {(char[]){"PORT=x"}, (char[]){"INSTANCE_1_URL=http://e"}, NULL};
    struct errors errors = {0};
    struct config_sources sources = {.environment = environment,
                                     .env_file = "/nowhere/.env",
                                     .config_file = "/nowhere/agent.conf"};

    (void)state;
    assert_null(config_load(&sources, &errors));
    assert_int_equal(errors.count, 3);
    assert_error(&errors, "/nowhere/.env: can't be read");
    assert_error(&errors, "/nowhere/agent.conf: can't be read");
    assert_error(&errors, "PORT=\"x\"");
    errors_free(&errors);
}

static void help_names_every_option_with_its_default(void **state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    assert_non_null(out);
    options_print(out);
    assert_int_equal(fclose(out), 0);
    assert_contains(text, "  INSTANCE_N_URL\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_info *option = &option_table[i];
        char line[200];
        snprintf(line, sizeof(line), "\n  %s%s%s\n", option->name,
                 option->fallback == NULL ? "" : "=",
                 option->fallback == NULL ? "" : option->fallback);
        assert_contains(text, line);
        assert_contains(text, option->help);
    }
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_instance_is_enough_and_the_rest_has_defaults),
        cmocka_unit_test(every_variable_sets_its_field),
        cmocka_unit_test(without_an_instance_the_message_says_what_to_set),
        cmocka_unit_test(instances_are_in_the_order_of_their_numbers_which_may_have_gaps),
        cmocka_unit_test(an_instance_number_that_is_not_one_is_ignored_with_a_warning),
        cmocka_unit_test(variables_of_other_programs_are_passed_over),
        cmocka_unit_test(an_instance_number_out_of_range_in_our_own_file_is_refused),
        cmocka_unit_test(a_bad_url_is_refused_with_variable_value_and_reason),
        cmocka_unit_test(a_bad_url_is_not_also_reported_as_missing),
        cmocka_unit_test(a_message_shows_neither_password_nor_control_characters),
        cmocka_unit_test(a_newline_in_any_text_is_refused),
        cmocka_unit_test(an_endless_value_is_shown_in_part),
        cmocka_unit_test(the_same_url_twice_is_refused),
        cmocka_unit_test(urls_that_differ_in_scheme_port_or_path_are_different),
        cmocka_unit_test(each_further_copy_of_a_url_is_one_error),
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
        cmocka_unit_test(a_ca_file_that_is_not_there_is_refused),
        cmocka_unit_test(a_folder_is_no_ca_file),
        cmocka_unit_test(a_socket_path_has_at_most_90_characters),
        cmocka_unit_test(a_health_path_is_a_plain_path),
        cmocka_unit_test(extra_paths_are_plain_paths_between_commas),
        cmocka_unit_test(a_jobs_field_is_a_list_of_json_pointers),
        cmocka_unit_test(a_port_used_twice_is_refused),
        cmocka_unit_test(all_errors_of_one_run_are_reported_together),
        cmocka_unit_test(errors_are_printed_one_a_line_after_the_warnings),
        cmocka_unit_test(an_https_address_is_warned_of),
        cmocka_unit_test(more_than_ten_thousand_instances_are_refused),
        cmocka_unit_test(the_interval_between_counts_is_never_longer_than_the_one_between_checks),
        cmocka_unit_test(a_job_id_is_at_a_pointer_that_haproxy_can_follow),
        cmocka_unit_test(trusted_proxies_are_addresses_and_networks_or_none),
        cmocka_unit_test(agent_checks_are_a_quarter_of_the_interval_apart),
        cmocka_unit_test(environment_goes_before_env_file_goes_before_configuration_file),
        cmocka_unit_test(an_error_in_a_file_is_reported_with_those_of_the_values),
        cmocka_unit_test(help_names_every_option_with_its_default),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
