#include <unistd.h>

#include "envfile.h"
#include "helper.h"
#include "settings.h"
#include "textfile.h"

/* A file with one line that sets A, and what A is then; NULL: unset. */
struct line {
    const char *text;
    const char *value;
};

static void parse(struct settings *settings, const char *text, struct errors *errors)
{
    /* With the NUL that the contract asks for, and not a byte more. */
    char *bytes = exact_copy(text, strlen(text) + 1);

    envfile_parse(settings, bytes, strlen(text), ".env", errors);
    free(bytes);
}

static const char *value_of(const struct settings *settings, const char *name)
{
    const struct setting *setting = settings_find(settings, name);

    return setting == NULL ? NULL : setting->value;
}

static void check_line(const struct line *line)
{
    struct settings settings = {0};
    struct errors errors = {0};

    parse(&settings, line->text, &errors);
    if (errors.count > 0)
        fail_msg("case \"%s\": %s", line->text, errors.errors[0]);
    const char *value = value_of(&settings, "A");
    if (line->value == NULL)
        assert_case(line->text, value == NULL);
    else if (value == NULL)
        fail_msg("case \"%s\": A is unset", line->text);
    else
        assert_case_text(line->text, value, line->value);
    settings_free(&settings);
    errors_free(&errors);
}

static void check_lines(const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_line(&lines[i]);
}

/* A file that isn't understood, and what its one error says. */
static void check_error(const char *text, const char *message)
{
    struct settings settings = {0};
    struct errors errors = {0};

    parse(&settings, text, &errors);
    if (errors.count != 1)
        fail_msg("case \"%s\": %zu errors, not 1", text, errors.count);
    if (strstr(errors.errors[0], message) == NULL)
        fail_msg("case \"%s\": \"%s\" doesn't say \"%s\"", text, errors.errors[0], message);
    settings_free(&settings);
    errors_free(&errors);
}

static void an_unquoted_value_goes_to_the_end_of_its_line(void **state)
{
    static const struct line lines[] = {
        {"A=1", "1"},
        {"A=1\n", "1"},
        {"A=a b  c\n", "a b  c"},
        {"A=1   \n", "1"},
        {"A=1\t\n", "1"},
        {"A=http://h:1/a=b\n", "http://h:1/a=b"},
        {"A=it's \"so\"\n", "it's \"so\""},
        {"A=a\\nb\n", "a\\nb"},
        {"  A=1\n", "1"},
        {"\tA=1\n", "1"},
        {"A=\n", NULL},
        {"A=", NULL},
        {"A=\nB=2\n", NULL},
    };

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void comments_and_blank_lines_are_passed_over(void **state)
{
    static const struct line lines[] = {
        {"# A=2\nA=1\n", "1"},  {"\n\n  \n\t\nA=1\n", "1"},  {"  # A=2\nA=1 # a comment\n", "1"},
        {"A=1 #\n", "1"},       {"A=1\t# a comment\n", "1"}, {"A=1#2\n", "1#2"},
        {"A=a # b # c\n", "a"}, {"A='1' # x\n", "1"},        {"A=\"1\"  # x\n", "1"},
        {"A=1\n#A=2", "1"},     {"A='#1'\n", "#1"},          {"A=\"a # b\"\n", "a # b"},
    };

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void an_export_before_a_name_is_passed_over(void **state)
{
    static const struct line lines[] = {
        {"export A=1\n", "1"}, {"  export   A=1\n", "1"}, {"export\tA='1'\n", "1"},
        {"exportA=2\n", NULL}, {"export=1\nA=1\n", "1"},
    };

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void single_quotes_are_literal(void **state)
{
    static const struct line lines[] = {
        {"A='a b'\n", "a b"}, {"A=' a '\n", " a "}, {"A='a\\nb'\n", "a\\nb"},
        {"A='\"'\n", "\""},   {"A='$B'\n", "$B"},   {"A='a\nb'\n", "a\nb"},
        {"A=''\n", NULL},     {"A='a'", "a"},       {"A='\\\\'\n", "\\\\"},
    };

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void double_quotes_know_six_escapes(void **state)
{
    static const struct line lines[] = {
        {"A=\"a\\nb\"\n", "a\nb"},  {"A=\"a\\rb\"\n", "a\rb"},  {"A=\"a\\tb\"\n", "a\tb"},
        {"A=\"a\\\"b\"\n", "a\"b"}, {"A=\"a\\\\b\"\n", "a\\b"}, {"A=\"a\\$b\"\n", "a$b"},
        {"A=\"a\\xb\"\n", "a\\xb"}, {"A=\"a'b\"\n", "a'b"},     {"A=\"a\nb\"\n", "a\nb"},
        {"A=\"\\\\n\"\n", "\\n"},   {"A=\" a \"\n", " a "},     {"A=\"\"\n", NULL},
    };

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void a_dollar_is_not_expanded(void **state)
{
    static const struct line lines[] = {
        {"B=2\nA=$B\n", "$B"}, {"B=2\nA=${B}\n", "${B}"}, {"B=2\nA=\"${B:-3}\"\n", "${B:-3}"}};

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void lines_may_end_as_on_windows(void **state)
{
    static const struct line lines[] = {
        {"A=1\r\n", "1"},
        {"A='1'\r\n", "1"},
        {"A=\"1\"\r\nB=2\r\n", "1"},
        {"\r\n#x\r\nA=1\r\n", "1"},
        {"A=1 # x\r\n", "1"},
        {"B\r\nA=1\r\n", "1"},
        {"A=1\r", "1"},
        {"A=\r\n", NULL},
    };

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    static const struct line lines[] = {{"\xef\xbb\xbf"
                                         "A=1\n",
                                         "1"},
                                        {"\xef\xbb\xbf# x\nA=1\n", "1"},
                                        {"\xef\xbb\xbf", NULL}};

    (void)state;
    check_lines(lines, COUNT(lines));
    check_error("A=1\n\xef\xbb\xbf"
                "B=2\n",
                ".env line 2");
}

static void the_later_of_two_lines_wins(void **state)
{
    static const struct line lines[] = {{"A=1\nA=2\n", "2"},
                                        {"A=1\nB=3\nA=2\nA=4\n", "4"},
                                        {"A=1\nA=\n", NULL},
                                        {"A=\nA=1\n", "1"}};

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void a_name_alone_is_left_to_the_environment(void **state)
{
    static const struct line lines[] = {
        {"A\n", NULL}, {"A", NULL}, {"export A\n", NULL}, {"A=1\nA\n", "1"}};

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void a_comment_may_follow_a_name_alone(void **state)
{
    static const struct line lines[] = {{"A # x\n", NULL}, {"export A\t# x\nB=1", NULL}};

    (void)state;
    check_lines(lines, COUNT(lines));
}

static void the_environment_has_precedence_over_the_file(void **state)
{
    char *environment[] = {(char[]){"A=1"}, (char[]){"B="}, (char[]){"nothing"}, NULL};
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    settings_read_environment(&settings, environment);
    assert_int_equal(settings.count, 1);
    parse(&settings, "A=2\nB=3\n", &errors);
    assert_no_errors(&errors);
    assert_string_equal(value_of(&settings, "A"), "1");
    assert_string_equal(settings_find(&settings, "A")->origin, "environment");
    assert_string_equal(value_of(&settings, "B"), "3");
    assert_string_equal(settings_find(&settings, "B")->origin, ".env line 2");
    settings_free(&settings);
}

static void an_environment_variable_may_have_equals_signs_in_its_value(void **state)
{
    char *environment[] = {(char[]){"A=b=c"}, (char[]){"=x"}, NULL};
    struct settings settings = {0};

    (void)state;
    settings_read_environment(&settings, environment);
    assert_string_equal(value_of(&settings, "A"), "b=c");
    settings_free(&settings);
}

static void each_value_knows_its_line(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    parse(&settings, "# x\nA=1\n\nB='two\nlines\nmore'\nC=3\nA=4\n", &errors);
    assert_no_errors(&errors);
    assert_string_equal(settings_find(&settings, "A")->origin, ".env line 8");
    assert_string_equal(settings_find(&settings, "B")->origin, ".env line 4");
    assert_string_equal(settings_find(&settings, "C")->origin, ".env line 7");
    settings_free(&settings);
}

static void a_line_that_is_not_understood_is_an_error_with_its_number(void **state)
{
    (void)state;
    check_error("A=1\nwhat is this\n", ".env line 2");
    check_error("A=1\n=2\n", ".env line 2");
    check_error("1A=2\n", ".env line 1");
    check_error("A!=2\n", ".env line 1");
    check_error("B='\n\n'\nA B=2\n", ".env line 4");
    check_error("\x80=2\n", ".env line 1");
    check_error("export\n=\n", ".env line 2");
}

static void a_missing_closing_quote_is_an_error_where_the_value_began(void **state)
{
    (void)state;
    check_error("A=1\nB='x\ny\n", ".env line 2: B: the closing quote is missing");
    check_error("B=\"x", ".env line 1: B: the closing quote is missing");
    check_error("B=\"x\\\"", ".env line 1: B: the closing quote is missing");
    check_error("B=\"", ".env line 1: B: the closing quote is missing");
    check_error("B=\"\\", ".env line 1: B: the closing quote is missing");
}

static void only_a_comment_may_follow_a_closing_quote(void **state)
{
    (void)state;
    check_error("A='1'2\n", ".env line 1: A: only a comment");
    check_error("A='1' 2\n", ".env line 1: A: only a comment");
    check_error("A=\"1\"\"2\"\n", ".env line 1: A: only a comment");
}

static void a_carriage_return_in_mid_line_hides_nothing(void **state)
{
    (void)state;
    check_error("A='1'\rB=2\n", ".env line 1");
    check_error("A\rB=2\n", ".env line 1");
    check_error("\rB=2\n", ".env line 1");
}

static void all_errors_are_reported_and_the_good_lines_added(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    parse(&settings, "what?\nA=1\n=\nB='2' x\nC=3\n", &errors);
    assert_int_equal(errors.count, 3);
    assert_error(&errors, ".env line 1:");
    assert_error(&errors, ".env line 3:");
    assert_error(&errors, ".env line 4:");
    assert_string_equal(value_of(&settings, "A"), "1");
    assert_string_equal(value_of(&settings, "C"), "3");
    settings_free(&settings);
    errors_free(&errors);
}

static void a_name_of_128_characters_is_the_longest(void **state)
{
    char text[ENVFILE_NAME_MAX + 4];
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    memset(text, 'A', ENVFILE_NAME_MAX + 1);
    memcpy(text + ENVFILE_NAME_MAX, "=1", 3);
    parse(&settings, text, &errors);
    assert_no_errors(&errors);
    assert_int_equal(settings.count, 1);
    settings_free(&settings);
    memcpy(text + ENVFILE_NAME_MAX, "A=1", 4);
    check_error(text, ".env line 1");
}

static void a_nul_byte_is_an_error(void **state)
{
    static const char bytes[] = "A=1\nB=2\0 3\n";
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    envfile_parse(&settings, bytes, sizeof(bytes) - 1, ".env", &errors);
    assert_error(&errors, ".env: has a NUL byte");
    settings_free(&settings);
    errors_free(&errors);
}

/* Where a file is cut, nothing is read past its end, and the parser comes to an end. */
static void every_beginning_of_a_file_can_be_parsed(void **state)
{
    static const char text[] = "\xef\xbb\xbf# x\r\nexport A = 'a\nb' # c\nB=\"\\n\\\"\\x\" #\nC\n"
                               "D=d # e\n?\n";

    (void)state;
    for (size_t length = 0; length < sizeof(text); length++) {
        char *bytes = exact_copy(text, length + 1);
        struct settings settings = {0};
        struct errors errors = {0};
        bytes[length] = '\0';
        envfile_parse(&settings, bytes, length, ".env", &errors);
        settings_free(&settings);
        errors_free(&errors);
        free(bytes);
    }
}

static void an_empty_value_counts_as_unset_and_the_first_source_wins(void **state)
{
    struct settings settings = {0};

    (void)state;
    settings_add(&settings, "A", "", "one");
    assert_null(settings_find(&settings, "A"));
    settings_add(&settings, "A", "1", "two");
    settings_add(&settings, "A", "2", "three");
    assert_int_equal(settings.count, 1);
    assert_string_equal(settings_find(&settings, "A")->value, "1");
    assert_string_equal(settings_find(&settings, "A")->origin, "two");
    settings_free(&settings);
}

static void write_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs("A=1\n#", file) >= 0);
    for (size_t i = 5; i < size; i++)
        assert_int_equal(putc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
}

static void a_file_of_up_to_one_mebibyte_is_read(void **state)
{
    char path[] = "/tmp/leastjobs-test-XXXXXX";
    int fd = mkstemp(path);
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    write_file(path, TEXTFILE_MAX);
    envfile_read(&settings, path, &errors);
    assert_no_errors(&errors);
    assert_string_equal(value_of(&settings, "A"), "1");
    write_file(path, TEXTFILE_MAX + 1);
    envfile_read(&settings, path, &errors);
    unlink(path);
    assert_int_equal(errors.count, 1);
    assert_error(&errors, path);
    assert_error(&errors, "larger than 1048576 bytes");
    settings_free(&settings);
    errors_free(&errors);
}

static void an_unreadable_file_is_an_error_that_names_it(void **state)
{
    struct settings settings = {0};
    struct errors errors = {0};

    (void)state;
    envfile_read(&settings, "/nowhere/.env", &errors);
    assert_error(&errors, "/nowhere/.env: can't be read: No such file or directory");
    envfile_read(&settings, "/tmp", &errors);
    assert_error(&errors, "/tmp: can't be read: Is a directory");
    assert_int_equal(settings.count, 0);
    errors_free(&errors);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unquoted_value_goes_to_the_end_of_its_line),
        cmocka_unit_test(comments_and_blank_lines_are_passed_over),
        cmocka_unit_test(an_export_before_a_name_is_passed_over),
        cmocka_unit_test(single_quotes_are_literal),
        cmocka_unit_test(double_quotes_know_six_escapes),
        cmocka_unit_test(a_dollar_is_not_expanded),
        cmocka_unit_test(lines_may_end_as_on_windows),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(the_later_of_two_lines_wins),
        cmocka_unit_test(a_name_alone_is_left_to_the_environment),
        cmocka_unit_test(a_comment_may_follow_a_name_alone),
        cmocka_unit_test(the_environment_has_precedence_over_the_file),
        cmocka_unit_test(an_environment_variable_may_have_equals_signs_in_its_value),
        cmocka_unit_test(each_value_knows_its_line),
        cmocka_unit_test(a_line_that_is_not_understood_is_an_error_with_its_number),
        cmocka_unit_test(a_missing_closing_quote_is_an_error_where_the_value_began),
        cmocka_unit_test(only_a_comment_may_follow_a_closing_quote),
        cmocka_unit_test(a_carriage_return_in_mid_line_hides_nothing),
        cmocka_unit_test(all_errors_are_reported_and_the_good_lines_added),
        cmocka_unit_test(a_name_of_128_characters_is_the_longest),
        cmocka_unit_test(a_nul_byte_is_an_error),
        cmocka_unit_test(every_beginning_of_a_file_can_be_parsed),
        cmocka_unit_test(an_empty_value_counts_as_unset_and_the_first_source_wins),
        cmocka_unit_test(a_file_of_up_to_one_mebibyte_is_read),
        cmocka_unit_test(an_unreadable_file_is_an_error_that_names_it),
    };

    return cmocka_run_group_tests_name("envfile", tests, NULL, NULL);
}
