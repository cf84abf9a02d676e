#include "origin.h"

#include "helper.h"

static const char *problem_of(const char *text)
{
    const char *problem = origin_problem(text);

    return problem == NULL ? "taken for an origin" : problem;
}

static void test_an_origin_is_as_browsers_send_it(void **state)
{
    static const char *const good[] = {
        "https://page.example",
        "http://localhost:3000",
        "https://a-b.c.example:65535",
        "http://192.0.2.1:8080",
        "https://[2001:db8::1]",
        "http://[::1]:3000",
        "http://page.example:443",
        "https://page.example:80",
        "https://xn--bcher-kva.example",
        "capacitor://localhost",
        "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
        "moz-extension://6f2c1f5e-3a0b-4e6e-9a6b-0f1d2c3b4a59",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        const char *problem = origin_problem(good[i]);
        if (problem != NULL)
            fail_msg("%s: %s", good[i], problem);
    }
}

static void test_what_is_no_origin_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
    } bad[] = {
        {"", "expected an origin"},
        {"https://", "expected an origin"},
        {"https:///", "expected an origin"},
        {"://a", "expected an origin"},
        {"1a://b", "expected an origin"},
        {"https://a b", "expected an origin"},
        {"https://a:0", "expected an origin"},
        {"https://a:", "expected an origin"},
        {"https://a:65536", "expected an origin"},
        {"https://a:080", "expected an origin"},
        {"https://a:8x", "expected an origin"},
        {"https://a:8080:1", "expected an origin"},
        {"https://user@a", "expected an origin"},
        {"https://a?b", "expected an origin"},
        {"https://a#b", "expected an origin"},
        {"https://2001:db8::1", "expected an origin"},
        {"https://[2001:db8::1", "expected an origin"},
        {"https://[2001:db8::1]x", "expected an origin"},
        {"https://[2001:0db8::1]", "expected an origin"},
        {"https://[10.0.0.1]", "expected an origin"},
        {"https://10.0.0.256", "expected an origin"},
        {"https://b\xc3\xbc"
         "cher.example",
         "expected an origin"},
        {"https://a\nb", "expected an origin"},
        {"https://a'", "expected an origin"},
        {"https://a%20", "expected an origin"},
        {"null", "sandboxed frame"},
        {"*", "* stands for all origins"},
        {"https://*.example", "* stands for all origins"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *problem = problem_of(bad[i].text);
        assert_contains(problem, bad[i].problem);
        if (strstr(problem, "did you mean") != NULL)
            fail_msg("%s: %s", bad[i].text, problem);
    }
}

static void test_what_was_meant_is_said(void **state)
{
    static const struct {
        const char *text;
        const char *meant;
    } cases[] = {
        {"https://Page.Example", "did you mean https://page.example?"},
        {"HTTP://page.example", "did you mean http://page.example?"},
        {"https://page.example/", "did you mean https://page.example?"},
        {"https://page.example/app/index.html", "did you mean https://page.example?"},
        {"https://page.example:443", "did you mean https://page.example?"},
        {"http://page.example:80/", "did you mean http://page.example?"},
        {"http://[2001:DB8::1]:80", "did you mean http://[2001:db8::1]?"},
        {"page.example", "did you mean https://page.example?"},
        {"localhost:3000", "did you mean https://localhost:3000?"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_contains(problem_of(cases[i].text), cases[i].meant);
    }
}

static void test_what_is_too_long_is_refused(void **state)
{
    char text[4000] = "https://";

    (void)state;
    for (size_t length = strlen(text); length < sizeof(text) - 1; length++) {
        text[length] = length % 60 == 0 ? '.' : 'a';
        const char *problem = origin_problem(text);
        bool is_name = length >= strlen("https://") && text[length] == 'a' &&
                       length + 1 - strlen("https://") <= 253;
        if ((problem == NULL) != is_name)
            fail_msg("%zu characters: %s", length + 1, problem == NULL ? "good" : problem);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_origin_is_as_browsers_send_it),
        cmocka_unit_test(test_what_is_no_origin_is_refused),
        cmocka_unit_test(test_what_was_meant_is_said),
        cmocka_unit_test(test_what_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
