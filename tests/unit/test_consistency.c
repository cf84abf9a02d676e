#include "config_helper.h"
#include "consistency.h"

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

static void a_flag_without_what_it_is_for_is_refused(void **state)
{
    (void)state;
    check_refused("HSTS_MAX_AGE=60", "TLS_CERT_FILE");
    check_accepted("STATUS_NEEDS_KEY=no");
    struct config *config = load_good(
        (variables){"INSTANCE_1_URL=http://a", "STATUS_NEEDS_KEY=yes", "API_KEYS_FILE=/dev/null"});
    assert_true(config->status_needs_key);
    config_free(config);
}

/* As it was taken before anybody was told of it. */
static void a_status_that_needs_a_key_without_keys_is_warned_of(void **state)
{
    struct errors errors = {0};
    struct config *config = load_one("STATUS_NEEDS_KEY=yes", &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(errors.warning_count, 1);
    assert_true(warnings_have(&errors, "STATUS_NEEDS_KEY=\"yes\" (environment): makes sense with "
                                       "API_KEYS_FILE only"));
    config_free(config);
    errors_free(&errors);
}

static void a_connect_timeout_of_more_than_a_minute_is_warned_of(void **state)
{
    static const struct {
        const char *variable;
        size_t warnings;
    } cases[] = {
        {"CONNECT_TIMEOUT=60", 0}, {"CONNECT_TIMEOUT=60.001", 1}, {"CONNECT_TIMEOUT=1h", 1}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        struct config *config = load_one(cases[i].variable, &errors);
        assert_case(cases[i].variable, config != NULL);
        assert_case(cases[i].variable, errors.warning_count == cases[i].warnings);
        config_free(config);
        errors_free(&errors);
    }
}

static void the_place_of_haproxys_socket_is_looked_at(void **state)
{
    static const struct {
        const char *variable;
        const char *problem; /* NULL: none */
    } cases[] = {
        {"HAPROXY_SOCKET=/tmp/leastjobs.none", NULL},
        {"HAPROXY_SOCKET=/x", NULL},
        {"HAPROXY_SOCKET=/nowhere/x", "the folder /nowhere: No such file or directory"},
        {"HAPROXY_SOCKET=/dev/null/x", "the folder /dev/null: Not a directory"},
        {"HAPROXY_SOCKET=/tmp", "HAPROXY_SOCKET=\"/tmp\": a folder: expected"},
        {"HAPROXY_SOCKET=/tmp/", "HAPROXY_SOCKET=\"/tmp/\": a folder: expected"},
        {"HAPROXY_SOCKET=/tmp/leastjobs.none/", "the folder /tmp/leastjobs.none: No such"},
        {"HAPROXY_SOCKET=/etc/passwd",
         "HAPROXY_SOCKET=\"/etc/passwd\": a file that isn't a socket"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        struct config *config = load_one(cases[i].variable, &errors);
        assert_non_null(config);
        consistency_check_socket(config, &errors);
        assert_case(cases[i].variable, errors.count == (cases[i].problem != NULL));
        if (cases[i].problem != NULL)
            assert_error(&errors, cases[i].problem);
        config_free(config);
        errors_free(&errors);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ca_file_that_is_not_there_is_refused),
        cmocka_unit_test(a_folder_is_no_ca_file),
        cmocka_unit_test(a_socket_path_has_at_most_90_characters),
        cmocka_unit_test(a_port_used_twice_is_refused),
        cmocka_unit_test(an_https_address_is_warned_of),
        cmocka_unit_test(a_flag_without_what_it_is_for_is_refused),
        cmocka_unit_test(a_status_that_needs_a_key_without_keys_is_warned_of),
        cmocka_unit_test(a_connect_timeout_of_more_than_a_minute_is_warned_of),
        cmocka_unit_test(the_place_of_haproxys_socket_is_looked_at),
    };

    return cmocka_run_group_tests_name("consistency", tests, NULL, NULL);
}
