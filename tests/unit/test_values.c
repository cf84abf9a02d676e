#include "values/values.h"

#include "config.h"
#include "helper.h"
#include "options.h"
#include "proxy_paths.h"
#include "textfile.h"

/* --- Configurations, from variables as a user has them --- */

/* The last pointer of `variables` is NULL. MAX_CONNECTIONS is 400 unless it is set. */
static struct config *configured(const char *const *variables)
{
    struct settings settings = {0};
    struct errors errors = {0};

    settings_read_environment(&settings, (char *const *)variables);
    struct config *config = config_from_settings(&settings, &errors);
    assert_no_errors(&errors);
    settings_free(&settings);
    errors_free(&errors);
    if (config->max_connections == 0)
        config->max_connections = 400;
    return config;
}

static size_t index_of(const struct template_values *values, const char *name)
{
    for (size_t i = 0; i < values->name_count; i++) {
        if (strcmp(values->name(i)->name, name) == 0)
            return i;
    }
    fail_msg("there is no value \"%s\"", name);
    return 0;
}

struct expectation {
    const char *name;
    const char *value; /* of a flag: "yes" or "" */
};

static void check_config(const struct config *config, size_t item,
                         const struct expectation *expectations, size_t count)
{
    struct template_values values = values_of(config);

    for (size_t i = 0; i < count; i++) {
        struct text out = {0};
        text_put(&out, "", 0);
        values.put(values.context, index_of(&values, expectations[i].name), item, &out);
        assert_case_text(expectations[i].name, out.bytes, expectations[i].value);
        text_free(&out);
    }
}

static void check(const char *const *variables, size_t item, const struct expectation *expectations,
                  size_t count)
{
    struct config *config = configured(variables);

    check_config(config, item, expectations, count);
    config_free(config);
}

#define EXPECTATIONS(...)                                                                          \
    (const struct expectation[]){__VA_ARGS__}, COUNT(((const struct expectation[]){__VA_ARGS__}))
#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define CHECK(variables, item, ...)                                                                \
    do {                                                                                           \
        const struct expectation expectations[] = {__VA_ARGS__};                                   \
        check(variables, item, expectations, COUNT(expectations));                                 \
    } while (0)

#define ONE "INSTANCE_1_URL=http://10.0.0.1:8000"

static void test_the_defaults(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE), 0, {"instance_count", "1"}, {"several_instances", ""}, {"threads", "1"},
          {"haproxy_user", ""}, {"log_level", "info"}, {"debug", ""}, {"uses_dns", ""},
          {"balancer_address", "*:8080"}, {"balancer_dual_stack", ""},
          {"admin_address", "127.0.0.1:8404"}, {"tls_cert_file", ""}, {"hsts_max_age", "0"},
          {"api_keys_file", ""}, {"status_needs_key", ""}, {"admin_password_file", ""},
          {"whisperx_paths", "yes"}, {"proxy_paths", ""}, {"proxy_prefixes", ""},
          {"jobs_of_any_method", ""}, {"cors_all", "yes"}, {"cors_none", ""},
          {"request_timeout", "3600000ms"}, {"path_prefixes", ""}, {"job_id_path", "job_id"},
          {"jobs_root", "/v1/jobs"}, {"job_retention", "86400000ms"}, {"agent_is_remote", ""},
          {"instance_ca_file", "@system-ca"});
}

static void test_addresses_are_as_bind_and_server_lines_want_them(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "BIND_ADDRESS=::", "ADMIN_BIND_ADDRESS=::1", "AGENT_HOST=::1"), 0,
          {"balancer_address", "[::]:8080"}, {"balancer_dual_stack", "yes"},
          {"admin_address", "[::1]:8404"}, {"admin_dual_stack", ""}, {"agent_check_address", "::1"},
          {"status_address", "[::1]:9778"});
    CHECK(VARIABLES(ONE, "BIND_ADDRESS=10.0.0.9", "ADMIN_BIND_ADDRESS=::", "PORT=80"), 0,
          {"balancer_address", "10.0.0.9:80"}, {"balancer_dual_stack", ""},
          {"admin_address", "[::]:8404"}, {"admin_dual_stack", "yes"});
}

static void test_the_agent_is_found_by_its_address_or_through_the_relay(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "AGENT_HOST=LocalHost"), 0, {"agent_is_remote", ""}, {"uses_dns", ""},
          {"agent_host", "127.0.0.1"}, {"agent_check_address", "127.0.0.1"},
          {"status_address", "127.0.0.1:9778"}, {"relay_connections", "0"});
    CHECK(VARIABLES(ONE, "AGENT_HOST=agent", "AGENT_PORT=7"), 0, {"agent_is_remote", "yes"},
          {"uses_dns", "yes"}, {"agent_host", "agent"}, {"agent_port", "7"},
          {"agent_check_address", "127.0.0.2"}, {"status_address", "agent:9778"},
          {"relay_connections", "1"});
}

static void test_connections_have_their_shares(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "MAX_CONNECTIONS=1000"), 0, {"max_connections", "1000"},
          {"balancer_connections", "1025"}, {"refusal_connections", "1021"}, {"passes", "95"},
          {"again_connections", "99"}, {"admin_connections", "4"}, {"all_connections", "1128"},
          {"runtime_sessions", "40"});
}

static void test_times_and_windows(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "HEALTH_CHECK_INTERVAL=300ms", "CHECK_TIMEOUT=3s", "CONNECT_TIMEOUT=750ms",
                    "UNHEALTHY_AFTER=5"),
          0, {"check_interval", "300ms"}, {"down_check_interval", "300ms"},
          {"agent_check_interval", "75ms"}, {"retry_after", "1"}, {"check_timeout", "3000ms"},
          {"connect_timeout", "750ms"}, {"unhealthy_after", "5"});
    CHECK(VARIABLES(ONE, "HEALTH_CHECK_INTERVAL=1500ms"), 0, {"down_check_interval", "1000ms"},
          {"agent_check_interval", "375ms"}, {"retry_after", "2"});
    CHECK(VARIABLES(ONE, "HEALTH_CHECK_INTERVAL=1h"), 0, {"check_interval", "3600000ms"},
          {"agent_check_interval", "1000ms"}, {"retry_after", "30"});
}

static void test_who_haproxy_is_and_what_it_says(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "HAPROXY_USER=root", "LOG_LEVEL=DEBUG", "HAPROXY_SOCKET=/run/x.sock"), 0,
          {"haproxy_user", ""}, {"log_level", "debug"}, {"debug", "yes"},
          {"haproxy_socket", "/run/x.sock"}, {"state_file", "/run/x.sock.state/servers"});
    CHECK(VARIABLES(ONE, "HAPROXY_USER=haproxy", "LOG_LEVEL=ERROR"), 0, {"haproxy_user", "haproxy"},
          {"log_level", "err"}, {"debug", ""});
    CHECK(VARIABLES(ONE, "LOG_LEVEL=WARNING"), 0, {"log_level", "warning"});
}

static void test_a_member_is_a_path_of_json_query(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "JOB_ID_FIELD=/job/the-id"), 0, {"job_id_path", "job.the-id"});
}

#define TWO_URLS                                                                                   \
    "INSTANCE_2_URL=https://gpu.example/a/b/", "INSTANCE_7_URL=https://localhost:8443",            \
        "INSTANCE_9_URL=http://[2001:db8::1]"

static void test_an_instance_is_its_url(void **state)
{
    (void)state;
    CHECK(VARIABLES(TWO_URLS), 0, {"number", "2"}, {"is_first", "yes"},
          {"address", "gpu.example:443"}, {"authority", "gpu.example"}, {"host", "gpu.example"},
          {"has_name", "yes"}, {"is_looked_up", "yes"}, {"is_https", "yes"},
          {"path_prefix", "/a/b"}, {"instance_count", "3"}, {"several_instances", "yes"},
          {"uses_dns", "yes"}, {"path_prefixes", "yes"});
    CHECK(VARIABLES(TWO_URLS), 1, {"number", "7"}, {"is_first", ""}, {"address", "127.0.0.1:8443"},
          {"authority", "localhost:8443"}, {"host", "localhost"}, {"has_name", "yes"},
          {"is_looked_up", ""}, {"is_https", "yes"}, {"path_prefix", ""});
    CHECK(VARIABLES(TWO_URLS), 2, {"number", "9"}, {"address", "[2001:db8::1]:80"},
          {"authority", "[2001:db8::1]"}, {"host", "2001:db8::1"}, {"has_name", ""},
          {"is_looked_up", ""}, {"is_https", ""});
}

static void test_capacities_that_are_unequal_are_compared(void **state)
{
    (void)state;
    CHECK(VARIABLES(TWO_URLS, "INSTANCE_7_CAPACITY=1"), 1, {"compares_capacities", ""},
          {"tells_capacities", ""}, {"tells_capacity", ""}, {"capacity", "1"});
    CHECK(VARIABLES(TWO_URLS, "INSTANCE_7_CAPACITY=10000"), 1, {"compares_capacities", "yes"},
          {"tells_capacities", ""}, {"tells_capacity", ""}, {"capacity", "10000"});
}

static void test_capacities_that_are_told_are_a_variables(void **state)
{
    (void)state;
    struct config *config = configured(VARIABLES(TWO_URLS, "INSTANCE_7_CAPACITY=6"));

    config->instances[0].capacity_locator = "/slots";
    check_config(config, 0,
                 EXPECTATIONS({"compares_capacities", "yes"}, {"tells_capacities", "yes"},
                              {"tells_capacity", "yes"}, {"capacity", "req.capacity"}));
    check_config(config, 1, EXPECTATIONS({"tells_capacity", ""}, {"capacity", "6"}));
    config_free(config);
}

static void test_lists_are_loops(void **state)
{
    (void)state;
    const char *const *variables = VARIABLES(
        ONE, "EXTRA_PATHS=/v1/models,/docs/", "TRUSTED_PROXIES=10.0.0.0/8,::1,10.1.1.1",
        "CORS_ORIGINS=https://a.example,http://[::1]:3000", "JOBS_PATH=/jobs,/api/v1/videos");
    struct config *config = configured(variables);
    struct template_values values = values_of(config);

    assert_string_equal(values.loop(0), "instance");
    assert_string_equal(values.loop(1), "proxy_path");
    assert_string_equal(values.loop(2), "cors_origin");
    assert_string_equal(values.loop(3), "jobs_path");
    assert_string_equal(values.loop(4), "trusted_proxy");
    assert_int_equal(values.count_items(config, 0), 1);
    assert_int_equal(values.count_items(config, 1), 2);
    assert_int_equal(values.count_items(config, 2), 2);
    assert_int_equal(values.count_items(config, 3), 2);
    assert_int_equal(values.count_items(config, 4), 3);
    config_free(config);
    CHECK(variables, 0, {"jobs_root", "/jobs"}, {"id_field", "3"});
    CHECK(variables, 1, {"jobs_root", "/api/v1/videos"}, {"id_field", "5"});
    CHECK(variables, 0, {"path", "/v1/models"}, {"is_prefix", ""}, {"network", "10.0.0.0/8"},
          {"proxy_paths", "yes"}, {"proxy_prefixes", "yes"}, {"trusted_proxies", "yes"},
          {"origin", "https://a.example"}, {"cors_all", ""}, {"cors_none", ""});
    CHECK(variables, 1, {"path", "/docs/"}, {"is_prefix", "yes"}, {"network", "::1"},
          {"origin", "http://[::1]:3000"});
    CHECK(variables, 2, {"network", "10.1.1.1"});
    CHECK(VARIABLES(ONE, "TRUSTED_PROXIES=none", "EXTRA_PATHS=/a"), 0, {"trusted_proxies", ""},
          {"proxy_paths", "yes"}, {"proxy_prefixes", ""}, {"jobs_of_any_method", "yes"});
}

static void test_empty_lists_are_no_items(void **state)
{
    (void)state;
    struct config *config = configured(VARIABLES(ONE, "TRUSTED_PROXIES=none"));
    struct template_values values = values_of(config);

    assert_int_equal(values.count_items(config, 1), 0);
    assert_int_equal(values.count_items(config, 2), 0);
    assert_int_equal(values.count_items(config, 3), 1);
    assert_int_equal(values.count_items(config, 4), 0);
    config_free(config);
}

static void test_presets_and_paths_are_one_list(void **state)
{
    (void)state;
    const char *const *variables =
        VARIABLES(ONE, "PROXY_PATHS=/a*,whisperx,/b/*,/c", "EXTRA_PATHS=/d/");

    CHECK(variables, 0, {"whisperx_paths", "yes"}, {"path", "/a"}, {"is_prefix", "yes"});
    CHECK(variables, 1, {"path", "/b/"}, {"is_prefix", "yes"});
    CHECK(variables, 2, {"path", "/c"}, {"is_prefix", ""});
    CHECK(variables, 3, {"path", "/d/"}, {"is_prefix", "yes"});
    CHECK(VARIABLES(ONE, "PROXY_PATHS=/first,openai"), 0, {"whisperx_paths", ""},
          {"path", "/first"}, {"proxy_prefixes", "yes"});
    CHECK(VARIABLES(ONE, "PROXY_PATHS=/first,openai"), 1, {"path", "/v1/audio/"},
          {"is_prefix", "yes"});
    CHECK(VARIABLES(ONE, "PROXY_PATHS=/first,openai"), 2, {"path", "/v1/models"},
          {"is_prefix", ""});
}

static void test_whisperx_alone_is_posts_unless_instances_answer_preflights(void **state)
{
    (void)state;
    CHECK(VARIABLES(ONE, "CORS_ORIGINS=none"), 0, {"cors_none", "yes"}, {"cors_all", ""},
          {"jobs_of_any_method", "yes"}, {"proxy_paths", ""});
}

/* What the manual says of a preset is what it has. */
static void test_the_manual_names_each_path_of_the_presets(void **state)
{
    (void)state;
    const char *more = option_find("PROXY_PATHS")->more;
    struct config *config = configured(VARIABLES(ONE, "PROXY_PATHS=openai"));
    size_t count = proxy_paths_count(config);

    assert_true(count > 5);
    for (size_t i = 0; i < count; i++) {
        struct proxy_path path = proxy_paths_at(config, i);
        char named[100];
        snprintf(named, sizeof(named), "`%.*s%s`", (int)path.length, path.text,
                 path.is_prefix ? "*" : "");
        assert_contains(more, named);
    }
    config_free(config);
}

/* --- The lists of values for those who write a template --- */

static char *read_whole(const char *path)
{
    struct errors errors = {0};
    size_t length;
    char *bytes = textfile_read(path, &length, &errors);

    assert_no_errors(&errors);
    return bytes;
}

/* `format` has the value as it is written and what it is; `head`, a loop's name and order. */
static void put_list(struct text *list, size_t loop, bool is_comment)
{
    struct template_values values = values_of(NULL);

    if (loop != TEMPLATE_EVERYWHERE && is_comment)
        text_print(list, "<<#\n<<# Between <<each %s>> and <<end>>, %s:\n", values.loop(loop - 1),
                   values_loop_help(loop - 1));
    else if (loop != TEMPLATE_EVERYWHERE)
        text_print(list, "\nBetween `<<each %s>>` and `<<end>>`, %s:\n\n", values.loop(loop - 1),
                   values_loop_help(loop - 1));
    if (!is_comment)
        text_print(list, "| value | what it is |\n|---|---|\n");
    for (size_t i = 0; i < values.name_count; i++) {
        const struct template_name *name = values.name(i);
        char shown[64];
        if (name->loop != loop)
            continue;
        snprintf(shown, sizeof(shown), name->kind == TEMPLATE_FLAG ? "<<if %s>>" : "<<%s>>",
                 name->name);
        if (is_comment)
            text_print(list, "<<#   %-27s %s\n", shown, values_help(i));
        else
            text_print(list, "| `%s` | %s |\n", shown, values_help(i));
    }
}

static void check_list_at_end(const char *path, const char *head, bool is_comment)
{
    struct text list = {0};
    char *bytes = read_whole(path);
    size_t length = strlen(bytes);

    text_print(&list, "%s", head);
    for (size_t loop = 0; loop <= values_of(NULL).loop_count; loop++)
        put_list(&list, loop, is_comment);
    if (length < list.length || strcmp(bytes + length - list.length, list.bytes) != 0)
        fail_msg("the last lines of %s should be these:\n%s", path, list.bytes);
    free(bytes);
    text_free(&list);
}

static void test_the_template_ends_with_the_list_of_values(void **state)
{
    (void)state;
    check_list_at_end("genconf/haproxy.cfg.in", "<<#\n<<# The values:\n", true);
}

static void test_the_document_ends_with_the_list_of_values(void **state)
{
    (void)state;
    check_list_at_end("docs/template.md", "\n\n", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults),
        cmocka_unit_test(test_addresses_are_as_bind_and_server_lines_want_them),
        cmocka_unit_test(test_the_agent_is_found_by_its_address_or_through_the_relay),
        cmocka_unit_test(test_connections_have_their_shares),
        cmocka_unit_test(test_times_and_windows),
        cmocka_unit_test(test_who_haproxy_is_and_what_it_says),
        cmocka_unit_test(test_a_member_is_a_path_of_json_query),
        cmocka_unit_test(test_an_instance_is_its_url),
        cmocka_unit_test(test_capacities_that_are_unequal_are_compared),
        cmocka_unit_test(test_capacities_that_are_told_are_a_variables),
        cmocka_unit_test(test_lists_are_loops),
        cmocka_unit_test(test_empty_lists_are_no_items),
        cmocka_unit_test(test_presets_and_paths_are_one_list),
        cmocka_unit_test(test_whisperx_alone_is_posts_unless_instances_answer_preflights),
        cmocka_unit_test(test_the_manual_names_each_path_of_the_presets),
        cmocka_unit_test(test_the_template_ends_with_the_list_of_values),
        cmocka_unit_test(test_the_document_ends_with_the_list_of_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
