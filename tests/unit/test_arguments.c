#include <unistd.h>

#include "arguments.h"
#include "helper.h"

/* What a program of the test has, and what came of its command line. */
static struct {
    struct config_sources sources;
    const char *output;
    bool check;
    char said[16384]; /* on standard output and standard error */
} result;

static int parse(int argc, char **argv)
{
    const struct argument own[] = {
        {"output", 'o', "FILE", "write it there", &result.output, NULL},
        {"check", '\0', NULL, "look first", NULL, &result.check},
    };
    const struct program program = {.name = "prog",
                                    .purpose = "Does it.",
                                    .notes = "Exit status: 0.\n",
                                    .arguments = own,
                                    .argument_count = COUNT(own)};

    return arguments_parse(&program, argc, argv, &result.sources);
}

/* Both streams go to a file meanwhile. */
static int parse_and_listen(int argc, char **argv)
{
    FILE *said = tmpfile();
    int streams[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};

    assert_non_null(said);
    memset(&result, 0, sizeof(result));
    fflush(stdout);
    dup2(fileno(said), STDOUT_FILENO);
    dup2(fileno(said), STDERR_FILENO);
    int status = parse(argc, argv);
    fflush(stdout);
    dup2(streams[0], STDOUT_FILENO);
    dup2(streams[1], STDERR_FILENO);
    close(streams[0]);
    close(streams[1]);
    rewind(said);
    size_t length = fread(result.said, 1, sizeof(result.said) - 1, said);
    result.said[length] = '\0';
    fclose(said);
    return status;
}

#define PARSE(...)                                                                                 \
    parse_and_listen(COUNT(((const char *[]){"prog", __VA_ARGS__})),                               \
                     (char *[]){(char[]){"prog"}, __VA_ARGS__, NULL})
#define ARGUMENT(text) ((char[]){text})

static void nothing_is_good(void **state)
{
    char *argv[] = {ARGUMENT("prog"), NULL};

    (void)state;
    assert_int_equal(parse_and_listen(1, argv), -1);
    assert_string_equal(result.said, "");
    assert_null(result.output);
    assert_null(result.sources.env_file);
}

static void each_goes_where_its_row_says_in_both_forms(void **state)
{
    (void)state;
    assert_int_equal(PARSE(ARGUMENT("-o"), ARGUMENT("out"), ARGUMENT("--check"), ARGUMENT("-e"),
                           ARGUMENT(".env"), ARGUMENT("-cconf")),
                     -1);
    assert_string_equal(result.output, "out");
    assert_string_equal(result.sources.env_file, ".env");
    assert_string_equal(result.sources.config_file, "conf");
    assert_true(result.check);
    assert_int_equal(PARSE(ARGUMENT("--output=out"), ARGUMENT("--env-file"), ARGUMENT(".env"),
                           ARGUMENT("--config"), ARGUMENT("conf")),
                     -1);
    assert_string_equal(result.output, "out");
    assert_string_equal(result.sources.env_file, ".env");
    assert_string_equal(result.sources.config_file, "conf");
    assert_false(result.check);
}

static void what_is_not_understood_is_a_usage_error(void **state)
{
    (void)state;
    assert_int_equal(PARSE(ARGUMENT("--nonsense")), EXIT_USAGE);
    assert_contains(result.said, "Try 'prog --help'.");
    assert_int_equal(PARSE(ARGUMENT("-o")), EXIT_USAGE);
    assert_contains(result.said, "Try 'prog --help'.");
    assert_int_equal(PARSE(ARGUMENT("--check=1")), EXIT_USAGE);
    assert_int_equal(PARSE(ARGUMENT("-x")), EXIT_USAGE);
    assert_int_equal(PARSE(ARGUMENT("--check"), ARGUMENT("stray")), EXIT_USAGE);
    assert_contains(result.said, "prog: unexpected argument \"stray\"");
}

static void help_shows_the_arguments_in_columns_and_the_variables(void **state)
{
    (void)state;
    assert_int_equal(PARSE(ARGUMENT("--help")), 0);
    assert_contains(result.said, "Usage: prog [OPTION]...\nDoes it.\n\n");
    assert_contains(result.said, "\n  -e, --env-file FILE  read a .env file");
    assert_contains(result.said, "\n  -o, --output FILE    write it there\n");
    assert_contains(result.said, "\n      --check          look first\n");
    assert_contains(result.said, "\nExit status: 0.\n\nVariables (");
    assert_contains(result.said, "\n  PORT=8080\n");
}

static void version_is_one_line(void **state)
{
    (void)state;
    assert_int_equal(PARSE(ARGUMENT("--version")), 0);
    assert_true(strncmp(result.said, "prog ", 5) == 0);
    assert_ptr_equal(strchr(result.said, '\n'), result.said + strlen(result.said) - 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_good),
        cmocka_unit_test(each_goes_where_its_row_says_in_both_forms),
        cmocka_unit_test(what_is_not_understood_is_a_usage_error),
        cmocka_unit_test(help_shows_the_arguments_in_columns_and_the_variables),
        cmocka_unit_test(version_is_one_line),
    };

    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
