#include <math.h>

#include "helper.h"
#include "sources/exposition.h"

/* The examples of the formats' documents: see tests/unit/data/README.md. */
#define TEXT "tests/unit/data/formats/text-0.0.4.txt"
#define OPENMETRICS "tests/unit/data/formats/openmetrics-1.0.txt"
#define FILE_MAX 8192

static size_t read_all(const char *path, char bytes[FILE_MAX])
{
    FILE *file = fopen(path, "re");

    assert_non_null(file);
    size_t length = fread(bytes, 1, FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return length;
}

/* How many samples there are; fails with the problem of a text that has one. */
static unsigned count_samples(const char *text, size_t length)
{
    char *copy = exact_copy(text, length);
    struct exposition exposition;
    struct sample sample;
    unsigned count = 0;

    exposition_begin(&exposition, copy, length);
    while (exposition_next(&exposition, &sample))
        count++;
    if (exposition.problem != NULL)
        fail_msg("line %u: %s", exposition.line, exposition.problem);
    free(copy);
    return count;
}

/* The value of the only sample of a text. */
static double value_of(const char *text)
{
    struct exposition exposition;
    struct sample sample;

    exposition_begin(&exposition, text, strlen(text));
    if (!exposition_next(&exposition, &sample))
        fail_msg("\"%s\": %s", text, exposition.problem);
    double value = sample.value;
    if (exposition_next(&exposition, &sample) || exposition.problem != NULL)
        fail_msg("\"%s\": more than one sample, or %s", text, exposition.problem);
    return value;
}

static void check_problem(const char *text, unsigned line, const char *problem)
{
    size_t length = strlen(text);
    char *copy = exact_copy(text, length);
    struct exposition exposition;
    struct sample sample;

    exposition_begin(&exposition, copy, length);
    while (exposition_next(&exposition, &sample))
        ;
    assert_case_text(text, exposition.problem == NULL ? "" : exposition.problem, problem);
    assert_case(text, exposition.line == line);
    free(copy);
}

static void the_example_of_text_format_0_0_4_is_read_whole(void **state)
{
    char bytes[FILE_MAX];

    (void)state;
    assert_int_equal(count_samples(bytes, read_all(TEXT, bytes)), 14);
}

static void the_example_of_openmetrics_is_read_whole(void **state)
{
    char bytes[FILE_MAX];
    size_t length = read_all(OPENMETRICS, bytes);

    (void)state;
    assert_int_equal(count_samples(bytes, length), 15);
    /* Its last line needs no newline. */
    assert_int_equal(count_samples(bytes, length - 1), 15);
}

static void a_number_is_what_go_parses(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"a 1\n", 1},
        {"a 2.0\n", 2},
        {"a -0\n", 0},
        {"a +1.5e3\n", 1500},
        {"a 1E-2\n", 0.01},
        {"a .5\n", 0.5},
        {"a 5.\n", 5},
        {"a +Inf\n", INFINITY},
        {"a -Inf\n", -INFINITY},
        {"a inf\n", INFINITY},
        {"a 0x10\n", 16},
        {"a 12.47 -3982045\n", 12.47},
        {"  a\t 7\t\n", 7},
        {"a{} 3\n", 3},
        {"a { } 3\n", 3},
        {"a{b=\"c\",} 3\n", 3},
        {"a{ b = \"c\" , d=\"e\" } 3 4 \n", 3},
        {"a:b:_c9 1\n", 1},
        {"a 17 1520879607.789 # {t=\"x\"} 9.8 1520879607.789\n", 17},
        {"a 17 # {} 1\n", 17},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (value_of(cases[i].text) != cases[i].value)
            fail_msg("\"%s\" is %g", cases[i].text, value_of(cases[i].text));
    }
    assert_true(isnan(value_of("a NaN\n")));
}

static void what_is_no_exposition_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *problem;
    } cases[] = {
        {"a 1", 1, "the last line has no end"},
        {"a 1\nb 2", 2, "the last line has no end"},
        {"{\"status\":\"ok\"}\n", 1, "a metric's name was expected"},
        {"<html>\n", 1, "a metric's name was expected"},
        {"1a 1\n", 1, "a metric's name was expected"},
        {"a\n", 1, "a value isn't a number"},
        {"a one\n", 1, "a value isn't a number"},
        {"a 1.2.3\n", 1, "a value isn't a number"},
        {"a nan(1)\n", 1, "a value isn't a number"},
        {"a 1\r\n", 1, "a value isn't a number"},
        {"a 1 b\n", 1, "a time isn't a number"},
        {"a 1 2 3\n", 1, "something follows the sample"},
        {"a-b 1\n", 1, "a value isn't a number"},
        {"a{b} 1\n", 1, "= was expected after a label's name"},
        {"a{b=c} 1\n", 1, "a label's value must be in double quotes"},
        {"a{b=\"c} 1\n", 1, "a label's value has no end"},
        {"a{b=\"c\\\"} 1\n", 1, "a label's value has no end"},
        {"a{b=\"c\" d=\"e\"} 1\n", 1, ", or } was expected after a label"},
        {"a{b=\"c\"\n", 1, ", or } was expected after a label"},
        {"a{9=\"c\"} 1\n", 1, "a label's name was expected"},
        {"a{\"b\"=\"c\"} 1\n", 1, "a label's name was expected"},
        {"a{,} 1\n", 1, "a label's name was expected"},
        {"a 1 # 2\n", 1, "{ was expected in an exemplar"},
        {"a 1 # {b=\"c\"}\n", 1, "an exemplar's value isn't a number"},
        {"a 1 # {b=\"c\"} 1 x\n", 1, "an exemplar's time isn't a number"},
        {"# HELP\n", 1, "a metric's name was expected after HELP, TYPE or UNIT"},
        {"# HELP 1a b\n", 1, "a metric's name was expected after HELP, TYPE or UNIT"},
        {"a 1\n# TYPE a gouge\n", 2, "an unknown TYPE"},
        {"# TYPE a\n", 1, "an unknown TYPE"},
        {"# TYPE a gauge b\n", 1, "something follows a TYPE"},
        {"a 1\n# EOF\nb 2\n", 2, "something follows # EOF"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_problem(cases[i].text, cases[i].line, cases[i].problem);
}

static void comments_and_blank_lines_are_passed_over(void **state)
{
    static const char text[] = "#\n# anything {\n#HELPER\n \t\n\n# HELP a\n# HELP a b \"c\\n\n"
                               "# TYPE a untyped\na 1\n# UNIT a_seconds seconds\n# EOF";

    (void)state;
    assert_int_equal(count_samples(text, strlen(text)), 1);
    assert_int_equal(count_samples("", 0), 0);
}

static void a_number_has_a_bound(void **state)
{
    char text[1024];

    (void)state;
    memset(text, '0', sizeof(text));
    text[0] = 'a';
    text[1] = ' ';
    memcpy(text + sizeof(text) - 3, "1\n", sizeof("1\n"));
    check_problem(text, 1, "a value isn't a number");
    memcpy(text + 300, "1\n", sizeof("1\n"));
    assert_true(value_of(text) == 1);
}

static bool has_labels(const char *metric, const char *wanted)
{
    struct span name, labels, wanted_labels;
    const char *at = metric;
    const char *wanted_at = wanted;

    assert_null(exposition_metric(&at, metric + strlen(metric), &name, &labels));
    assert_null(exposition_metric(&wanted_at, wanted + strlen(wanted), &name, &wanted_labels));
    return exposition_has_labels(labels, wanted_labels);
}

static void labels_are_compared_by_what_they_mean(void **state)
{
    static const struct {
        const char *metric;
        const char *wanted;
        bool is_it;
    } cases[] = {
        {"a", "a", true},
        {"a{b=\"c\"}", "a", true},
        {"a{b=\"c\"}", "a{}", true},
        {"a{b=\"c\",d=\"e\"}", "a{d=\"e\"}", true},
        {"a{b=\"c\",d=\"e\"}", "a{d=\"e\", b=\"c\",}", true},
        {"a{b=\"c\"}", "a{b=\"d\"}", false},
        {"a{b=\"c\"}", "a{b=\"cc\"}", false},
        {"a{b=\"cc\"}", "a{b=\"c\"}", false},
        {"a{bb=\"c\"}", "a{b=\"c\"}", false},
        {"a", "a{b=\"c\"}", false},
        {"a", "a{b=\"\"}", false},
        {"a{b=\"\"}", "a{b=\"\"}", true},
        {"a{b=\"x\\\\y\\n\\\"\"}", "a{b=\"x\\\\y\\n\\\"\"}", true},
        {"a{b=\"\\n\"}", "a{b=\"n\"}", false},
        {"a{b=\"\\x\"}", "a{b=\"\\\\x\"}", true}, /* no escape: it stands for itself */
        {"a{b=\"1,d=2}\",d=\"3\"}", "a{d=\"3\"}", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_case(cases[i].metric,
                    has_labels(cases[i].metric, cases[i].wanted) == cases[i].is_it);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_text_format_0_0_4_is_read_whole),
        cmocka_unit_test(the_example_of_openmetrics_is_read_whole),
        cmocka_unit_test(a_number_is_what_go_parses),
        cmocka_unit_test(what_is_no_exposition_is_refused_with_its_line),
        cmocka_unit_test(comments_and_blank_lines_are_passed_over),
        cmocka_unit_test(a_number_has_a_bound),
        cmocka_unit_test(labels_are_compared_by_what_they_mean),
    };

    return cmocka_run_group_tests_name("exposition", tests, NULL, NULL);
}
