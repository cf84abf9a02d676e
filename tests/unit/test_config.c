#include <unistd.h>

#include "config_helper.h"
#include "envfile_path.h"
#include "options.h"
#include "xalloc.h"

static void write_text(char *path, const char *text)
{
    FILE *file = fdopen(mkstemp(path), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
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
    assert_null(c->health_path);
    assert_null(c->jobs_field);
    assert_string_equal(c->jobs_source, "whisperx");
    assert_int_equal(c->unhealthy_after, 3);
    assert_int_equal(c->request_timeout_ms, 3600000);
    assert_int_equal(c->connect_timeout_ms, 3000);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_null(c->instance_ca_file);
    assert_string_equal(c->proxy_paths, "whisperx");
    assert_null(c->extra_paths);
    assert_string_equal(c->cors_origins, "*");
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
                                             "PROXY_PATHS=openai,/z*",
                                             "CORS_ORIGINS=none",
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
    assert_string_equal(c->proxy_paths, "openai,/z*");
    assert_string_equal(c->cors_origins, "none");
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

static void variables_of_other_programs_are_passed_over(void **state)
{
    struct errors errors = {0};
    struct config *config =
        load((variables){"INSTANCE_1_URL=http://a", "MY_INSTANCE_1_URL=x", "INSTANCE_ID=x",
                         "PATH=/bin", "port=x", "HOME=/", "HTTP_PORT=x"},
             &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->instance_count, 1);
    assert_int_equal(errors.warning_count, 0);
    config_free(config);
}

/* INSTANCE_0_URL may be anybody's variable; a number in our own file is ours alone. */
static void a_misspelt_variable_of_the_environment_is_warned_of(void **state)
{
    struct errors errors = {0};
    struct config *config =
        load((variables){"INSTANCE_1_URL=http://a", "INSTANCES_2_URL=http://b"}, &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->instance_count, 1);
    assert_int_equal(errors.warning_count, 1);
    assert_string_equal(errors.warnings[0],
                        "INSTANCES_2_URL (environment): unknown variable: did you mean "
                        "INSTANCE_2_URL?");
    config_free(config);
    errors_free(&errors);
}

static void a_misspelt_variable_of_an_env_file_is_an_error(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(load_env_file("INSTANCE_1_URL=http://a\nHEALTHCHECK_INTERVAL=2\n", &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "HEALTHCHECK_INTERVAL (.env line 2): unknown variable: did you mean "
                          "HEALTH_CHECK_INTERVAL?");
    errors_free(&errors);
}

static void a_near_name_beside_ours_is_warned_of(void **state)
{
    struct errors errors = {0};
    struct config *config = load_env_file("INSTANCE_1_URL=http://a\nHEALTHCHECK_INTERVAL=2\n"
                                          "HEALTH_CHECK_INTERVAL=3\nTLS_CERT=\n",
                                          &errors);

    (void)state;
    assert_no_errors(&errors);
    assert_int_equal(errors.warning_count, 1);
    assert_int_equal(config->check_interval_ms, 3000);
    config_free(config);
    errors_free(&errors);
}

static void a_reference_that_compose_would_expand_is_refused_in_an_env_file(void **state)
{
    static const char *const texts[] = {
        "INSTANCE_1_URL=http://a\nPORT=$PORT\n",
        "INSTANCE_1_URL=http://a\nPORT=${PORT:-80}\n",
        "INSTANCE_1_URL=http://a\nPORT=\"${PORT}\"\n",
        "INSTANCE_1_URL=http://a\nJOBS_FIELD=/${FIELD}\n",
        "INSTANCE_1_URL=http://$GPU:8000\n",
        "INSTANCE_1_URL=${GPU}\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct errors errors = {0};
        assert_case(texts[i], load_env_file(texts[i], &errors) == NULL);
        assert_case(texts[i], errors.count == 1);
        assert_error(&errors, "$ stands for itself here, other than in docker compose");
        errors_free(&errors);
    }
}

static void a_dollar_that_compose_would_not_expand_is_taken(void **state)
{
    static const char *const texts[] = {
        "INSTANCE_1_URL=http://a\nJOBS_FIELD='/$a'\n",
        "INSTANCE_1_URL=http://a\nJOBS_FIELD=\"/\\$a\"\n",
        "INSTANCE_1_URL=http://a\nJOBS_FIELD=/a$\n",
        "INSTANCE_1_URL=http://a\nJOBS_FIELD=/a$1\n",
        "INSTANCE_1_URL=http://a\nOTHERS=$a${b}\n",
        "INSTANCE_1_URL=http://a\nJOBS_FIELD=$a\nJOBS_FIELD=/a\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct errors errors = {0};
        struct config *config = load_env_file(texts[i], &errors);
        assert_no_errors(&errors);
        assert_case(texts[i], config != NULL && errors.warning_count == 0);
        config_free(config);
    }
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

static void a_file_that_cannot_be_read_may_have_had_the_instances(void **state)
{
    char *environment[] = {NULL};
    struct errors errors = {0};
    struct config_sources sources = {.environment = environment, .env_file = "/nowhere/.env"};

    (void)state;
    assert_null(config_load(&sources, &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "/nowhere/.env: can't be read");
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

static void assert_first_host(const struct config_sources *sources, const char *host)
{
    struct errors errors = {0};
    struct config *config = config_load(sources, &errors);

    assert_no_errors(&errors);
    assert_string_equal(config->instances[0].url.host, host);
    config_free(config);
}

static void of_the_env_files_in_the_environment_the_first_that_is_there_is_read(void **state)
{
    char first[] = "/tmp/leastjobs-test-XXXXXX";
    char second[] = "/tmp/leastjobs-test-XXXXXX";
    char none[1];
    char *environment[] = {none, NULL};
    struct config_sources sources = {.environment = environment};

    (void)state;
    write_text(first, "INSTANCE_1_URL=http://first\n");
    write_text(second, "INSTANCE_1_URL=http://second\n");
    environment[0] = xasprintf("LEASTJOBS_ENV_FILE=:/nowhere/.env:%s:%s", first, second);
    assert_first_host(&sources, "first");
    unlink(first);
    assert_first_host(&sources, "second");
    sources.env_file = second;
    environment[0][strlen("LEASTJOBS_ENV_FILE=")] = '\0';
    assert_first_host(&sources, "second");
    unlink(second);
    free(environment[0]);
}

static void an_env_file_of_the_environment_may_be_missing(void **state)
{
    char *environment[] = {(char[]){"LEASTJOBS_ENV_FILE=/nowhere/.env"},
                           (char[]){"INSTANCE_1_URL=http://e"}, NULL};
    struct config_sources sources = {.environment = environment};
    struct errors errors = {0};

    (void)state;
    assert_null(envfile_path(&sources));
    assert_first_host(&sources, "e");
    environment[1] = NULL;
    assert_null(config_load(&sources, &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "set INSTANCE_1_URL");
    assert_true(
        warnings_have(&errors, "LEASTJOBS_ENV_FILE=\"/nowhere/.env\" (environment): no such file"));
    errors_free(&errors);
}

static void an_env_file_of_the_environment_that_cannot_be_read_is_an_error(void **state)
{
    /* A folder: nobody, root neither, can read one. */
    char *environment[] = {(char[]){"LEASTJOBS_ENV_FILE=/tmp:/nowhere"},
                           (char[]){"INSTANCE_1_URL=http://e"}, NULL};
    struct config_sources sources = {.environment = environment};
    struct errors errors = {0};

    (void)state;
    assert_null(config_load(&sources, &errors));
    assert_error(&errors, "/tmp: can't be read");
    errors_free(&errors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_instance_is_enough_and_the_rest_has_defaults),
        cmocka_unit_test(every_variable_sets_its_field),
        cmocka_unit_test(variables_of_other_programs_are_passed_over),
        cmocka_unit_test(a_misspelt_variable_of_the_environment_is_warned_of),
        cmocka_unit_test(a_misspelt_variable_of_an_env_file_is_an_error),
        cmocka_unit_test(a_near_name_beside_ours_is_warned_of),
        cmocka_unit_test(a_reference_that_compose_would_expand_is_refused_in_an_env_file),
        cmocka_unit_test(a_dollar_that_compose_would_not_expand_is_taken),
        cmocka_unit_test(a_message_shows_neither_password_nor_control_characters),
        cmocka_unit_test(a_newline_in_any_text_is_refused),
        cmocka_unit_test(an_endless_value_is_shown_in_part),
        cmocka_unit_test(all_errors_of_one_run_are_reported_together),
        cmocka_unit_test(errors_are_printed_one_a_line_after_the_warnings),
        cmocka_unit_test(the_interval_between_counts_is_never_longer_than_the_one_between_checks),
        cmocka_unit_test(agent_checks_are_a_quarter_of_the_interval_apart),
        cmocka_unit_test(environment_goes_before_env_file_goes_before_configuration_file),
        cmocka_unit_test(of_the_env_files_in_the_environment_the_first_that_is_there_is_read),
        cmocka_unit_test(an_env_file_of_the_environment_may_be_missing),
        cmocka_unit_test(an_env_file_of_the_environment_that_cannot_be_read_is_an_error),
        cmocka_unit_test(an_error_in_a_file_is_reported_with_those_of_the_values),
        cmocka_unit_test(a_file_that_cannot_be_read_may_have_had_the_instances),
        cmocka_unit_test(help_names_every_option_with_its_default),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
