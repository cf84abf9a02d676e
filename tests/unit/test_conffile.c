#include <unistd.h>

#include "conffile.h"
#include "helper.h"
#include "options.h"

/* A file, and the value of a variable after it. */
struct value_case {
    const char *text;
    const char *variable;
    const char *value; /* NULL: unset */
};

static void check_value(const struct value_case *c)
{
    struct settings settings = {0};
    struct errors errors = {0};

    conffile_parse(&settings, c->text, "agent.conf", &errors);
    if (errors.count > 0)
        fail_msg("case \"%s\": %s", c->text, errors.errors[0]);
    const struct setting *setting = settings_find(&settings, c->variable);
    if (c->value == NULL)
        assert_case(c->text, setting == NULL);
    else if (setting == NULL)
        fail_msg("case \"%s\": %s is unset", c->text, c->variable);
    else
        assert_case_text(c->text, setting->value, c->value);
    settings_free(&settings);
    errors_free(&errors);
}

static void check_values(const struct value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_value(&cases[i]);
}

/* A file that is refused, and what its one error says. */
struct error_case {
    const char *text;
    const char *message;
};

static void check_error(const struct error_case *c)
{
    struct settings settings = {0};
    struct errors errors = {0};

    conffile_parse(&settings, c->text, "agent.conf", &errors);
    if (errors.count != 1)
        fail_msg("case \"%s\": %zu errors, not 1", c->text, errors.count);
    if (strstr(errors.errors[0], c->message) == NULL)
        fail_msg("case \"%s\": \"%s\" doesn't say \"%s\"", c->text, errors.errors[0], c->message);
    settings_free(&settings);
    errors_free(&errors);
}

static void check_errors(const struct error_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_error(&cases[i]);
}

static void a_number_or_a_string_is_taken_as_it_stands(void **state)
{
    static const struct value_case cases[] = {
        {"", "PORT", NULL},
        {"port = 8080;", "PORT", "8080"},
        {"port = \"8080\";", "PORT", "8080"},
        {"port = 8080L;", "PORT", "8080"},
        {"port = -1;", "PORT", "-1"},
        {"port = 0x1F90;", "PORT", "8080"},
        {"bind_address = \"::\";", "BIND_ADDRESS", "::"},
        {"log_level = \"\";", "LOG_LEVEL", NULL},
        {"health_check_interval = \"500ms\";", "HEALTH_CHECK_INTERVAL", "500ms"},
        {"port : 1\n# port = 2;\n// port = 3;\n", "PORT", "1"},
        {"max_connections = 9223372036854775807L;", "MAX_CONNECTIONS", "9223372036854775807"},
    };

    (void)state;
    check_values(cases, COUNT(cases));
}

static void a_number_with_a_fraction_keeps_its_value(void **state)
{
    static const struct value_case cases[] = {
        {"health_check_interval = 0.5;", "HEALTH_CHECK_INTERVAL", "0.5"},
        {"health_check_interval = 2.25;", "HEALTH_CHECK_INTERVAL", "2.25"},
        {"health_check_interval = 0.125;", "HEALTH_CHECK_INTERVAL", "0.125"},
    };

    (void)state;
    check_values(cases, COUNT(cases));
}

/* A million seconds is less than the 20 days that REQUEST_TIMEOUT may be. */
static void a_large_number_with_a_fraction_keeps_its_value(void **state)
{
    static const struct value_case cases[] = {
        {"request_timeout = 86400.25;", "REQUEST_TIMEOUT", "86400.25"},
        {"request_timeout = 1000000.5;", "REQUEST_TIMEOUT", "1000000.5"},
    };

    (void)state;
    check_values(cases, COUNT(cases));
}

static void each_option_has_its_key_in_lower_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        char text[128];
        size_t length = (size_t)snprintf(text, sizeof(text), "%s = 17;", option_table[i].name);
        for (size_t c = 0; c < length; c++) {
            if (text[c] >= 'A' && text[c] <= 'Z')
                text[c] = (char)(text[c] + ('a' - 'A'));
        }
        check_value(&(struct value_case){text, option_table[i].name, "17"});
    }
}

static void instances_are_a_list_of_groups(void **state)
{
    static const char list[] = "instances = ( { number = 1; url = \"http://a\"; },\n"
                               "              { url = \"http://b\"; number = 30; } );";
    static const struct value_case cases[] = {
        {list, "INSTANCE_1_URL", "http://a"},
        {list, "INSTANCE_30_URL", "http://b"},
        {"instances = ( { number = 3; url = \"http://a\"; capacity = 4; } );",
         "INSTANCE_3_CAPACITY", "4"},
        {"instances = ( { number = 3; health_path = \"/h\"; url = \"http://a\"; } );",
         "INSTANCE_3_HEALTH_PATH", "/h"},
        {"instances = ();", "INSTANCE_1_URL", NULL},
        {"instances = ( { number = 1; url = \"\"; } );", "INSTANCE_1_URL", NULL},
    };

    (void)state;
    check_values(cases, COUNT(cases));
}

static void each_value_knows_its_line(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    conffile_parse(
        &settings,
        "port = 1;\n\nthreads = 2;\ninstances = (\n{ number = 1;\nurl = \"http://a\"; });",
        "agent.conf", &errors);
    assert_no_errors(&errors);
    assert_string_equal(settings_find(&settings, "PORT")->origin, "agent.conf line 1");
    assert_string_equal(settings_find(&settings, "THREADS")->origin, "agent.conf line 3");
    assert_string_equal(settings_find(&settings, "INSTANCE_1_URL")->origin, "agent.conf line 6");
    settings_free(&settings);
}

static void what_was_set_before_has_precedence(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    settings_add(&settings, "PORT", "1", "environment");
    conffile_parse(&settings, "port = 2;", "agent.conf", &errors);
    assert_no_errors(&errors);
    assert_string_equal(settings_find(&settings, "PORT")->value, "1");
    settings_free(&settings);
}

static void a_syntax_error_has_file_and_line(void **state)
{
    static const struct error_case cases[] = {
        {"port = ;", "agent.conf line 1: "},
        {"port = 1;\nthreads = = 2;\n", "agent.conf line 2: "},
        {"port 1;", "agent.conf line 1: "},
        {"port = \"1;\n", "agent.conf line "},
        {"port = 1;\nport = 2;\n", "agent.conf line 2: "},
        {"INSTANCE_1_URL=http://a\n", "agent.conf line 1: "},
    };

    (void)state;
    check_errors(cases, COUNT(cases));
}

static void an_unknown_key_is_refused_with_the_nearest_known_one(void **state)
{
    static const struct error_case cases[] = {
        {"prot = 1;", "line 1: unknown key \"prot\": did you mean \"port\"?"},
        {"\nhelth_path = \"/\";",
         "line 2: unknown key \"helth_path\": did you mean \"health_path\"?"},
        {"PORT = 1;", "unknown key \"PORT\""},
        {"status_ports = 1;", "did you mean \"status_port\"?"},
        {"admin_prt = 1;", "did you mean \"admin_port\"?"},
        {"instance_ca_files = 1;", "did you mean \"instance_ca_file\"?"},
        {"haproxysocket = 1;", "did you mean \"haproxy_socket\"?"},
        {"instance = ();", "did you mean \"instances\"?"},
        {"instances = ( { number = 1; url = \"http://a\"; capacty = 4; } );",
         "unknown key \"capacty\": did you mean \"capacity\"?"},
        {"instances = ( { number = 1; url = \"http://a\"; port = 4; } );", "unknown key \"port\""},
        {"job_fields = \"/a\";", "did you mean \"jobs_field\"?"},
        {"instances = ( { number = 1; url = \"http://a\"; uri = \"x\"; } );",
         "unknown key \"uri\": did you mean \"url\"?"},
        {"PROT = 1;", "did you mean \"port\"?"},
        {"instances = ( { number = 1; url = \"http://a\"; numbr = 2; } );",
         "unknown key \"numbr\": did you mean \"number\"?"},
    };

    (void)state;
    check_errors(cases, COUNT(cases));
}

static void a_key_that_is_near_to_none_gets_no_suggestion(void **state)
{
    static const struct error_case cases[] = {
        {"something = 1;", "unknown key \"something\": see leastjobs.conf(5)"},
        {"x = 1;", "unknown key \"x\": see leastjobs.conf(5)"},
        {"instances = ( { number = 1; url = \"http://a\"; colour = 2; } );",
         "unknown key \"colour\": see leastjobs.conf(5)"},
    };

    (void)state;
    check_errors(cases, COUNT(cases));
}

static void a_variable_of_an_instance_is_answered_with_the_list(void **state)
{
    static const struct error_case cases[] = {
        {"instance_1_url = \"http://a\";", "line 1: unknown key \"instance_1_url\": instances are "
                                           "a list: instances = ( { number = N; "
                                           "url = \"http://…\"; }, … );"},
        {"INSTANCE_1_URL = \"http://a\";", "instances are a list"},
        {"instances_2_url = \"http://a\";", "instances are a list"},
    };

    (void)state;
    check_errors(cases, COUNT(cases));
}

static void a_key_of_a_thousand_characters_is_refused_like_any_other(void **state)
{
    char text[1100];

    (void)state;
    memset(text, 'a', 1000);
    memcpy(text + 1000, " = 1;", 6);
    check_error(&(struct error_case){text, "unknown key \"aaaa"});
}

static void a_wrong_type_is_refused(void **state)
{
    static const struct error_case cases[] = {
        {"port = true;", "PORT (agent.conf line 1): expected a number or a string"},
        {"status_needs_key = true;",
         "STATUS_NEEDS_KEY (agent.conf line 1): expected \"yes\" or \"no\" in quotes"},
        {"port = [1, 2];", "PORT (agent.conf line 1): expected a number or a string"},
        {"port = (1);", "PORT (agent.conf line 1): expected a number or a string"},
        {"port = { a = 1; };", "PORT (agent.conf line 1): expected a number or a string"},
        {"instances = 3;", "agent.conf line 1: instances: expected a list"},
        {"instances = { number = 1; url = \"http://a\"; };", "expected a list"},
        {"instances = [ 1 ];", "expected a list"},
        {"instances = ( 1 );", "agent.conf line 1: expected { number = N; url = "},
        {"instances = ( { number = 1; } );", "expected { number = N; url = "},
        {"instances = ( { url = \"http://a\"; } );", "expected { number = N; url = "},
        {"instances = ( { number = \"1\"; url = \"http://a\"; } );",
         "expected { number = N; url = "},
        {"instances = ( { number = 1.5; url = \"http://a\"; } );", "expected { number = N; url = "},
        {"instances = ( { number = 1; url = true; } );",
         "INSTANCE_1_URL (agent.conf line 1): expected a number or a string"},
        {"instances = ( { number = 1; url = (\"http://a\"); } );", "expected a number or a string"},
    };

    (void)state;
    check_errors(cases, COUNT(cases));
}

/* Else the second would silently get no jobs. */
static void an_instance_number_used_twice_is_refused(void **state)
{
    static const struct error_case cases[] = {
        {"instances = ( { number = 1; url = \"http://a\"; }, { number = 1; url = \"http://b\"; } "
         ");",
         "1"},
    };

    (void)state;
    check_errors(cases, COUNT(cases));
}

static void all_errors_of_a_file_are_reported(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    conffile_parse(&settings,
                   "prot = 1;\nport = true;\nthreads = 2;\ninstances = ( 1, { numbr = 1; } );",
                   "agent.conf", &errors);
    assert_int_equal(errors.count, 5);
    assert_error(&errors, "\"prot\"");
    assert_error(&errors, "PORT (agent.conf line 2)");
    assert_error(&errors, "\"numbr\"");
    assert_string_equal(settings_find(&settings, "THREADS")->value, "2");
    settings_free(&settings);
    errors_free(&errors);
}

static void a_file_that_is_not_text_or_not_there_is_refused(void **state)
{
    char path[] = "/tmp/leastjobs-test-XXXXXX";
    int fd = mkstemp(path);
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "port = 1;\n\0port = 2;\n", 20), 20);
    close(fd);
    conffile_read(&settings, path, &errors);
    unlink(path);
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "has a NUL byte");
    conffile_read(&settings, path, &errors);
    assert_int_equal(errors.count, 2);
    assert_error(&errors, path);
    assert_error(&errors, "can't be read: No such file or directory");
    assert_int_equal(settings.count, 0);
    errors_free(&errors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_or_a_string_is_taken_as_it_stands),
        cmocka_unit_test(a_number_with_a_fraction_keeps_its_value),
        cmocka_unit_test(a_large_number_with_a_fraction_keeps_its_value),
        cmocka_unit_test(each_option_has_its_key_in_lower_case),
        cmocka_unit_test(instances_are_a_list_of_groups),
        cmocka_unit_test(each_value_knows_its_line),
        cmocka_unit_test(what_was_set_before_has_precedence),
        cmocka_unit_test(a_syntax_error_has_file_and_line),
        cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest_known_one),
        cmocka_unit_test(a_key_that_is_near_to_none_gets_no_suggestion),
        cmocka_unit_test(a_variable_of_an_instance_is_answered_with_the_list),
        cmocka_unit_test(a_key_of_a_thousand_characters_is_refused_like_any_other),
        cmocka_unit_test(a_wrong_type_is_refused),
        cmocka_unit_test(an_instance_number_used_twice_is_refused),
        cmocka_unit_test(all_errors_of_a_file_are_reported),
        cmocka_unit_test(a_file_that_is_not_text_or_not_there_is_refused),
    };

    return cmocka_run_group_tests_name("conffile", tests, NULL, NULL);
}
