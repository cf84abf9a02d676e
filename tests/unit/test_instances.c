#include <unistd.h>

#include "config_helper.h"
#include "instance_names.h"
#include "instances.h"

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

/* INSTANCE_0_URL may be anybody's variable in the environment, but hardly in our own file. */
static void an_instance_number_that_is_not_one_is_an_error_in_an_env_file(void **state)
{
    struct errors errors = {0};

    (void)state;
    assert_null(load_env_file("INSTANCE_1_URL=http://a\nINSTANCE_0_URL=http://b\n", &errors));
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "INSTANCE_0_URL (.env line 2): N in INSTANCE_N_URL is a number from 1 to "
                          "65535");
    errors_free(&errors);
}

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

static void a_url_that_ends_in_a_path_of_requests_is_warned_of(void **state)
{
    static const char *const ends[] = {"/health", "/v1/audio/transcriptions", "/transcribe",
                                       "/asr/health", "/health/"};

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        struct errors errors = {0};
        char variable[80];
        snprintf(variable, sizeof(variable), "INSTANCE_2_URL=http://b:80%s", ends[i]);
        struct config *config = load_one(variable, &errors);
        assert_case(ends[i], config != NULL && errors.warning_count == 1);
        assert_case(ends[i], warnings_have(&errors, "INSTANCE_2_URL=\"http://b"));
        assert_case(ends[i], warnings_have(&errors, i == 3 ? ", a job's is /asr/health/v1/audio"
                                                           : "/v1/audio/transcriptions: "));
        assert_case(ends[i], warnings_have(&errors, i == 3 ? ": \"http://b/asr\" is most likely"
                                                           : ": \"http://b\" is most likely"));
        config_free(config);
        errors_free(&errors);
    }
}

static void a_url_that_ends_in_the_configured_health_path_is_warned_of(void **state)
{
    struct errors errors = {0};
    struct config *config = load((variables){"INSTANCE_1_URL=http://a/ok",
                                             "INSTANCE_2_URL=http://a/healthy", "HEALTH_PATH=/ok"},
                                 &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(errors.warning_count, 1);
    assert_true(warnings_have(&errors, "INSTANCE_1_URL=\"http://a/ok\""));
    config_free(config);
    errors_free(&errors);
}

/* --- What is said of one instance --- */

static void what_is_said_of_one_instance_is_its_own(void **state)
{
    struct config *config = load_good((variables){
        "INSTANCE_2_HEALTH_PATH=/two", "INSTANCE_2_CAPACITY=10000", "INSTANCE_1_URL=http://a",
        "INSTANCE_2_URL=http://b", "INSTANCE_3_URL=http://c", "HEALTH_PATH=/all"});

    (void)state;
    assert_string_equal(config->instances[0].load.url, "http://a/all");
    assert_string_equal(config->instances[1].load.url, "http://b/two");
    assert_string_equal(config->instances[2].load.url, "http://c/all");
    assert_int_equal(config->instances[0].capacity, 1);
    assert_int_equal(config->instances[1].capacity, 10000);
    config_free(config);
}

static void what_is_said_of_one_instance_is_checked(void **state)
{
    static const struct refused cases[] = {
        {"INSTANCE_1_CAPACITY=0", "out of range: from 1 to 10000"},
        {"INSTANCE_1_CAPACITY=10001", "out of range: from 1 to 10000"},
        {"INSTANCE_1_CAPACITY=1.5", "expected a whole number"},
        {"INSTANCE_1_HEALTH_PATH=health", "expected a path"},
    };

    (void)state;
    check_all_refused(cases, COUNT(cases));
}

static void what_is_said_of_no_instance_is_an_error_in_an_env_file_else_a_warning(void **state)
{
    struct errors errors = {0};
    struct config *config = load_one("INSTANCE_7_CAPACITY=4", &errors);

    (void)state;
    assert_non_null(config);
    assert_int_equal(errors.warning_count, 1);
    assert_string_equal(errors.warnings[0],
                        "INSTANCE_7_CAPACITY (environment) is ignored: there is no INSTANCE_7_URL");
    config_free(config);
    errors_free(&errors);
    assert_null(load_env_file("INSTANCE_1_URL=http://a\nINSTANCE_7_CAPACITY=4\n", &errors));
    assert_error(&errors, "INSTANCE_7_CAPACITY (.env line 2): there is no INSTANCE_7_URL");
    errors_free(&errors);
    /* One error is enough of a URL that is bad. */
    assert_null(load_env_file("INSTANCE_1_URL=ftp://a\nINSTANCE_1_CAPACITY=4\n"
                              "INSTANCE_2_URL=http://b\n",
                              &errors));
    assert_int_equal(errors.count, 1);
    errors_free(&errors);
}

static void a_name_is_an_instances_by_its_longest_ending(void **state)
{
    static const struct {
        const char *name;
        enum instance_name form;
        unsigned number;
        const char *option;
    } cases[] = {
        {"INSTANCE_3_URL", INSTANCE_NAME_GOOD, 3, "INSTANCE_N_URL"},
        {"INSTANCE_65535_HEALTH_PATH", INSTANCE_NAME_GOOD, 65535, "HEALTH_PATH"},
        {"INSTANCE_1_CAPACITY", INSTANCE_NAME_GOOD, 1, "INSTANCE_N_CAPACITY"},
        {"INSTANCE_1_LOAD_URL", INSTANCE_NAME_GOOD, 1, "LOAD_URL"},
        {"INSTANCE_1_CAPACITY_FIELD", INSTANCE_NAME_GOOD, 1, "CAPACITY_FIELD"},
        {"INSTANCE_01_CAPACITY", INSTANCE_NAME_NUMBER, 0, NULL},
        {"INSTANCE_A_URL", INSTANCE_NAME_NUMBER, 0, NULL},
        {"INSTANCE_A_CAPACITY", INSTANCE_NAME_OTHER, 0, NULL},
        {"INSTANCE_1_PORT", INSTANCE_NAME_OTHER, 0, NULL},
        {"INSTANCE__URL", INSTANCE_NAME_OTHER, 0, NULL},
        {"INSTANCE_URL", INSTANCE_NAME_OTHER, 0, NULL},
        {"INSTANCE_1CAPACITY", INSTANCE_NAME_OTHER, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned number;
        const struct option_info *option;
        enum instance_name form = instance_name_parse(cases[i].name, &number, &option);
        assert_case(cases[i].name, form == cases[i].form && number == cases[i].number);
        assert_case(cases[i].name, (option == NULL) == (cases[i].option == NULL));
        if (option != NULL)
            assert_string_equal(option->name, cases[i].option);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_are_in_the_order_of_their_numbers_which_may_have_gaps),
        cmocka_unit_test(an_instance_number_that_is_not_one_is_ignored_with_a_warning),
        cmocka_unit_test(an_instance_number_that_is_not_one_is_an_error_in_an_env_file),
        cmocka_unit_test(an_instance_number_out_of_range_in_our_own_file_is_refused),
        cmocka_unit_test(without_an_instance_the_message_says_what_to_set),
        cmocka_unit_test(a_bad_url_is_refused_with_variable_value_and_reason),
        cmocka_unit_test(a_bad_url_is_not_also_reported_as_missing),
        cmocka_unit_test(the_same_url_twice_is_refused),
        cmocka_unit_test(urls_that_differ_in_scheme_port_or_path_are_different),
        cmocka_unit_test(each_further_copy_of_a_url_is_one_error),
        cmocka_unit_test(more_than_ten_thousand_instances_are_refused),
        cmocka_unit_test(a_url_that_ends_in_a_path_of_requests_is_warned_of),
        cmocka_unit_test(a_url_that_ends_in_the_configured_health_path_is_warned_of),
        cmocka_unit_test(what_is_said_of_one_instance_is_its_own),
        cmocka_unit_test(what_is_said_of_one_instance_is_checked),
        cmocka_unit_test(what_is_said_of_no_instance_is_an_error_in_an_env_file_else_a_warning),
        cmocka_unit_test(a_name_is_an_instances_by_its_longest_ending),
    };

    return cmocka_run_group_tests_name("instances", tests, NULL, NULL);
}
