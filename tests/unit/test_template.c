#include "template/template.h"

#include "helper.h"

/* --- Values of a small world: a loop of two fruits, another that is empty. --- */

static const struct template_name names[] = {
    {"user", TEMPLATE_TEXT, TEMPLATE_EVERYWHERE},
    {"nobody", TEMPLATE_TEXT, TEMPLATE_EVERYWHERE},
    {"port", TEMPLATE_NUMBER, TEMPLATE_EVERYWHERE},
    {"zero", TEMPLATE_NUMBER, TEMPLATE_EVERYWHERE},
    {"tls", TEMPLATE_FLAG, TEMPLATE_EVERYWHERE},
    {"odd", TEMPLATE_TEXT, TEMPLATE_EVERYWHERE},
    {"name", TEMPLATE_TEXT, 1},
    {"sweet", TEMPLATE_FLAG, 1},
    {"stone", TEMPLATE_TEXT, 2},
};
static const char *odd = "odd";
static unsigned asked;

static const struct template_name *name_of(size_t index)
{
    return &names[index];
}

static const char *loop_of(size_t index)
{
    static const char *const loops[] = {"fruit", "stone"};

    return loops[index];
}

static size_t count_items(const void *context, size_t loop)
{
    (void)context;
    return loop == 0 ? 2 : 0;
}

static void put(const void *context, size_t name, size_t item, struct text *out)
{
    static const char *const everywhere[] = {"haproxy", "", "8080", "0", "yes"};
    static const char *const fruits[] = {"lime", "fig"};
    const char *value = name < 5    ? everywhere[name]
                        : name == 5 ? odd
                        : name == 6 ? fruits[item]
                                    : (item == 1 ? "yes" : "");

    (void)context;
    asked++;
    text_put(out, value, strlen(value));
}

static const struct template_values values = {.name = name_of,
                                              .name_count = COUNT(names),
                                              .loop = loop_of,
                                              .loop_count = 2,
                                              .count_items = count_items,
                                              .put = put};

/* --- What a template makes: its output, or its errors one a line. The caller frees it. --- */

static char *joined(const struct errors *errors)
{
    struct text text = {0};

    text_print(&text, "%s", "");
    for (size_t i = 0; i < errors->count; i++)
        text_print(&text, "%s%s", i == 0 ? "" : "\n", errors->errors[i]);
    return text.bytes;
}

static char *made(const char *bytes, size_t length)
{
    struct errors errors = {0};
    struct text out = {0};
    char *copy = exact_copy(bytes, length);
    struct template *template = template_compile("x.in", copy, length, &values, &errors);
    char *result;

    assert_true((template == NULL) == (errors.count > 0));
    text_put(&out, "", 0);
    if (template != NULL) {
        bool good = template_expand(template, &values, &out, &errors);
        assert_true(good == (errors.count == 0));
    }
    result = errors.count > 0 ? joined(&errors) : strdup(out.bytes);
    text_free(&out);
    template_free(template);
    errors_free(&errors);
    free(copy);
    return result;
}

struct expectation {
    const char *template;
    const char *made;
};

static void check(const struct expectation *expectations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *text = made(expectations[i].template, strlen(expectations[i].template));
        assert_case_text(expectations[i].template, text, expectations[i].made);
        free(text);
    }
}

#define CHECK(expectations) check(expectations, COUNT(expectations))

static void test_what_is_not_in_brackets_is_copied(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"", ""},
        {"\n", "\n"},
        {"no last newline", "no last newline"},
        {"a <b> c >> d < e\n", "a <b> c >> d < e\n"},
        {"  \n\n\t%[x] ${Y} \"z\\\" 'q' {r}\r\n", "  \n\n\t%[x] ${Y} \"z\\\" 'q' {r}\r\n"},
        {"to HAProxy the same: '<''<'\n", "to HAProxy the same: '<''<'\n"},
    };

    CHECK(expectations);
}

static void test_a_value_stands_in_its_word(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"bind *:<<port>> user <<user>>\n", "bind *:8080 user haproxy\n"},
        {"a <<port>><<user>>.<<zero>>", "a 8080haproxy.0"},
        {"a << port >>\n", "a 8080\n"},
        {"a \"<<user>>\" '<<user>>'\n", "a \"haproxy\" 'haproxy'\n"},
        {"a %[x]<<user>>%[y] <<<user>\n",
         "x.in:1:20: << without its >> on the same line (to HAProxy "
         "<< is the same as '<''<')"},
    };

    CHECK(expectations);
}

static void test_a_condition_asks_for_no_zero_or_empty(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"<<if tls>>\nyes\n<<end>>\n", "yes\n"},
        {"<<if not tls>>\nyes\n<<end>>\n", ""},
        {"<<if tls>>\nyes\n<<else>>\nno\n<<end>>\n", "yes\n"},
        {"<<if nobody>>\nyes\n<<else>>\nno\n<<end>>\n", "no\n"},
        {"<<if zero>>\nyes\n<<else>>\nno\n<<end>>\n", "no\n"},
        {"<<if port>>\nyes\n<<else>>\nno\n<<end>>\n", "yes\n"},
        {"<<if not zero>>\nyes\n<<else>>\nno\n<<end>>\n", "yes\n"},
        {"<<if tls>><<if nobody>>a<<else>>b<<end>>c<<end>>\n", "bc\n"},
        {"<<if nobody>><<if tls>>a<<else>>b<<end>>c<<end>>\n", "\n"},
        {"<<if nobody>><<each fruit>><<name>><<end>><<else>>d<<end>>\n", "d\n"},
    };

    CHECK(expectations);
}

static void test_a_loop_repeats_what_is_in_it(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"<<each fruit>>\nserver <<name>>\n<<end>>\n", "server lime\nserver fig\n"},
        {"list<<each fruit>> <<name>>:<<port>><<end>>\n", "list lime:8080 fig:8080\n"},
        {"<<each fruit>>\na <<name>><<if sweet>> sweet<<end>>\n<<end>>\n", "a lime\na fig sweet\n"},
        {"<<each fruit>>\n<<if sweet>>\na <<name>>\n<<end>>\n<<end>>\n", "a fig\n"},
        {"<<each stone>>\na <<stone>>\n<<end>>\nb\n", "b\n"},
        {"<<each fruit>>\n<<end>>\n<<each fruit>>\n<<end>>\n", ""},
    };

    CHECK(expectations);
}

static void test_lines_of_directives_and_comments_leave_nothing(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"a\n  <<if tls>>\t\nb\n \t<<end>>\r\nc\n", "a\nb\nc\n"},
        {"<<if tls>> <<if port>>\nb\n<<end>><<end>>\nc\n", "b\nc\n"},
        {"<<if tls>>b<<end>>\nc\n", "b\nc\n"},
        {"a\n<<# <<nonsense>> <<if <<\n  <<#\nb\n<<#end", "a\nb\n"},
        {"a\n\n<<if tls>>\n\nb\n<<end>>\n\nc\n", "a\n\n\nb\n\nc\n"},
    };

    CHECK(expectations);
}

static void test_errors_name_line_column_and_what_would_be_right(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"a\n  b <<prot>>\n", "x.in:2:7: unknown value \"prot\": did you mean \"port\"?"},
        {"\xc3\xa4 <<prot>>\n", "x.in:1:5: unknown value \"prot\": did you mean \"port\"?"},
        {"<<if tsl>>\n<<end>>\n", "x.in:1:6: unknown value \"tsl\": did you mean \"tls\"?"},
        {"<<if tls>>\n<<endif>>\n", "x.in:2:3: unknown value \"endif\": did you mean \"end\"?\n"
                                    "x.in:1:1: <<if>> that begins here has no <<end>>"},
        {"a <<something_else>>\n", "x.in:1:5: unknown value \"something_else\": the last lines of "
                                   "--print-template list those that there are"},
        {"a <<name>>\n", "x.in:1:5: \"name\" is known only between <<each fruit>> and its <<end>>"},
        {"<<each stone>>\na <<name>>\n<<end>>\n",
         "x.in:2:5: \"name\" is known only between <<each fruit>> and its <<end>>"},
        {"a <<tls>>\n", "x.in:1:5: \"tls\" is yes or no: ask for it with <<if tls>>"},
        {"<<if>>\n<<end>>\n",
         "x.in:1:1: expected the name of one value: <<if NAME>> or <<if not NAME>>"},
        {"<<if not>>\n<<end>>\n",
         "x.in:1:1: expected the name of one value: <<if NAME>> or <<if not NAME>>"},
        {"<<if tls or port>>\n<<end>>\n",
         "x.in:1:1: expected the name of one value: <<if NAME>> or <<if not NAME>>"},
        {"<<each fruits>>\n<<end>>\n",
         "x.in:1:1: there is no such loop: expected one of <<each fruit>>, <<each stone>>"},
        {"<<each fruit>>\n<<each stone>>\n<<end>>\n<<end>>\n",
         "x.in:2:1: <<each>> within another <<each>>: end that one first"},
        {"a\n<<end>>\n", "x.in:2:1: <<end>> without an <<if>> or <<each>> that it ends"},
        {"<<else>>\n", "x.in:1:1: <<else>> without an <<if>> that it belongs to"},
        {"<<if tls>>\n<<else>>\n<<else>>\n<<end>>\n",
         "x.in:3:1: <<else>> without an <<if>> that it belongs to"},
        {"<<each fruit>>\n<<else>>\n<<end>>\n",
         "x.in:2:1: <<else>> without an <<if>> that it belongs to"},
        {"<<end tls>>\n", "x.in:1:1: expected <<end>> without more words\n"
                          "x.in:1:1: <<end>> without an <<if>> or <<each>> that it ends"},
        {"a\n  <<if tls>>\n<<else>>\n", "x.in:2:3: <<if>> that begins here has no <<end>>"},
        {"a <<if tls\n>>\n",
         "x.in:1:3: << without its >> on the same line (to HAProxy << is the same as '<''<')"},
        {"a <<>>\n", "x.in:1:3: expected << and >> around the name of a value, if NAME, if not "
                     "NAME, else, each "
                     "LOOP or end (to HAProxy << is the same as '<''<')"},
    };

    CHECK(expectations);
}

static void test_all_errors_are_reported_and_not_too_many(void **state)
{
    (void)state;
    struct text template = {0};

    for (unsigned i = 0; i < 2 * TEMPLATE_ERRORS_MAX; i++)
        text_print(&template, "a <<prot>>\n");
    char *text = made(template.bytes, template.length);
    assert_contains(text, "x.in:1:5: ");
    assert_contains(text, "x.in:20:5: ");
    static const char last[] = "\nx.in: more is wrong, and not reported yet";
    assert_null(strstr(text, "x.in:21:5: "));
    assert_string_equal(text + strlen(text) - strlen(last), last);
    free(text);
    text_free(&template);
}

static void test_a_value_cannot_break_out(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"<<user>> a\n", "x.in:1:1: \"user\" in the first word of a line, which is HAProxy's "
                         "keyword: expected it in a later word"},
        {"a\n \t.<<user>> a\n",
         "x.in:2:4: \"user\" in the first word of a line, which is HAProxy's "
         "keyword: expected it in a later word"},
        {"a\n<<if tls>><<user>><<end>>\n",
         "x.in:2:11: \"user\" in the first word of a line, which is HAProxy's keyword: expected it "
         "in a later word"},
        {"a <<port>>\n<<user>> a\n",
         "x.in:2:1: \"user\" in the first word of a line, which is HAProxy's keyword: expected it "
         "in a later word"},
        {"a %<<user>>\n", "x.in:1:4: \"user\" behind a %, $ or \\: HAProxy would read them as one; "
                          "expected it elsewhere"},
        {"a $<<if tls>><<user>><<end>>\n",
         "x.in:1:14: \"user\" behind a %, $ or \\: HAProxy would read them as one; expected it "
         "elsewhere"},
        {"a \\<<user>> b\n", "x.in:1:4: \"user\" behind a %, $ or \\: HAProxy would read them as "
                             "one; expected it elsewhere"},
        {"a <<nobody>> b\n", "x.in:1:3: \"nobody\" has no value here: put its word between <<if "
                             "nobody>> and <<end>>"},
        {"# <<user>>\n", "# haproxy\n"},
    };

    CHECK(expectations);
}

static void test_only_safe_characters_are_copied(void **state)
{
    (void)state;
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~/:@+="
        "*[]";
    char value[] = "ax";

    for (int c = 1; c < 256; c++) {
        bool is_good = strchr(safe, c) != NULL || c == '-';
        value[1] = (char)c;
        odd = value;
        char *text = made("a <<odd>>\n", strlen("a <<odd>>\n"));
        if ((strncmp(text, "a ax", 3) == 0) != is_good)
            fail_msg("character %d: %s", c, text);
        if (!is_good)
            assert_contains(text, "x.in:1:3: \"odd\" is \"a");
        free(text);
    }
    odd = "-a";
    char *text = made("a <<odd>>\n", strlen("a <<odd>>\n"));
    assert_contains(text, "no - first");
    free(text);
    odd = "odd";
}

static void test_what_is_wrong_in_each_item_is_said_once(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"<<each fruit>>\n<<name>>\n<<user>>\n<<end>>\n",
         "x.in:2:1: \"name\" in the first word of a line, which is HAProxy's keyword: expected it "
         "in a later word\n"
         "x.in:3:1: \"user\" in the first word of a line, which is HAProxy's keyword: expected it "
         "in a later word"},
    };

    CHECK(expectations);
}

static void test_nesting_is_bounded(void **state)
{
    (void)state;
    for (unsigned depth = TEMPLATE_DEPTH_MAX; depth <= TEMPLATE_DEPTH_MAX + 2; depth++) {
        struct text template = {0};
        for (unsigned i = 0; i < depth; i++)
            text_print(&template, "<<if tls>>\n");
        text_print(&template, "a\n");
        for (unsigned i = 0; i < depth; i++)
            text_print(&template, "<<end>>\n");
        char *text = made(template.bytes, template.length);
        if (depth <= TEMPLATE_DEPTH_MAX)
            assert_string_equal(text, "a\n");
        else
            assert_string_equal(text,
                                "x.in:17:1: <<if>> and <<each>> in each other, more than 16 deep");
        free(text);
        text_free(&template);
    }
}

static void test_sizes_are_bounded_and_a_nul_is_refused(void **state)
{
    (void)state;
    size_t length = TEMPLATE_MAX + 1;
    char *bytes = malloc(length);

    memset(bytes, 'a', length);
    char *text = made(bytes, length);
    assert_string_equal(text, "x.in:1:1: longer than 1048576 bytes");
    free(text);
    text = made(bytes, length - 1);
    assert_int_equal(strlen(text), length - 1);
    free(text);
    free(bytes);
    text = made("a\nb\0c", 5);
    assert_string_equal(text, "x.in:2:2: a NUL byte: expected text");
    free(text);
}

static size_t count_many(const void *context, size_t loop)
{
    (void)context;
    (void)loop;
    return TEMPLATE_OUTPUT_MAX / 4096 + 1;
}

static void test_the_output_is_bounded(void **state)
{
    (void)state;
    struct template_values many = values;
    struct errors errors = {0};
    struct text template = {0};
    struct text out = {0};

    many.count_items = count_many;
    text_print(&template, "<<each fruit>>%4096s<<end>>", "a");
    struct template *compiled =
        template_compile("x.in", template.bytes, template.length, &many, &errors);
    assert_non_null(compiled);
    assert_false(template_expand(compiled, &many, &out, &errors));
    assert_error(&errors, "x.in:1:15: here the output is longer than 268435456 bytes");
    assert_true(out.length <= TEMPLATE_OUTPUT_MAX + 4096);
    template_free(compiled);
    text_free(&out);
    text_free(&template);
    errors_free(&errors);
}

/* A farm has many instances: what is the same for all isn't computed for each. */
static void test_values_that_are_known_everywhere_are_asked_for_once(void **state)
{
    (void)state;
    static const char template[] =
        "<<each fruit>>\na <<port>> <<user>><<if tls>>b<<end>>\n<<end>>\n";
    char *text;

    asked = 0;
    text = made(template, strlen(template));
    assert_int_equal(asked, 6);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_in_brackets_is_copied),
        cmocka_unit_test(test_a_value_stands_in_its_word),
        cmocka_unit_test(test_a_condition_asks_for_no_zero_or_empty),
        cmocka_unit_test(test_a_loop_repeats_what_is_in_it),
        cmocka_unit_test(test_lines_of_directives_and_comments_leave_nothing),
        cmocka_unit_test(test_errors_name_line_column_and_what_would_be_right),
        cmocka_unit_test(test_all_errors_are_reported_and_not_too_many),
        cmocka_unit_test(test_a_value_cannot_break_out),
        cmocka_unit_test(test_only_safe_characters_are_copied),
        cmocka_unit_test(test_what_is_wrong_in_each_item_is_said_once),
        cmocka_unit_test(test_nesting_is_bounded),
        cmocka_unit_test(test_sizes_are_bounded_and_a_nul_is_refused),
        cmocka_unit_test(test_the_output_is_bounded),
        cmocka_unit_test(test_values_that_are_known_everywhere_are_asked_for_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
