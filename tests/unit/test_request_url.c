#include "helper.h"
#include "request_url.h"

static struct url instance_of(const char *text)
{
    struct url url;

    assert_null(url_parse(&url, text));
    return url;
}

static void a_request_is_below_the_instance_at_its_port_or_elsewhere(void **state)
{
    static const struct {
        const char *instance;
        const char *text;
        const char *url;
        const char *host; /* "": the instance's */
    } cases[] = {
        {"http://a", "/metrics", "http://a/metrics", ""},
        {"http://a:8000/asr", "/metrics", "http://a:8000/asr/metrics", ""},
        {"http://a/asr", "/v1/loads?include=core", "http://a/asr/v1/loads?include=core", ""},
        {"https://a/asr", ":8002/metrics", "https://a:8002/metrics", ""},
        {"http://[2001:db8::1]:8000", ":8002/metrics", "http://[2001:db8::1]:8002/metrics", ""},
        {"http://a", "http://b/metrics", "http://b/metrics", "b"},
        {"http://a", "https://b.example:8443/m?x=1&y=%20", "https://b.example:8443/m?x=1&y=%20",
         "b.example"},
        {"http://a", "http://[2001:db8::2]:9/m", "http://[2001:db8::2]:9/m", "2001:db8::2"},
        {"http://a:1", "http://A:2/m", "http://a:2/m", ""},
        {"http://a", "http://b", "http://b/", "b"},
        {"http://a", "http://b?x=/", "http://b/?x=/", "b"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url instance = instance_of(cases[i].instance);
        const char *problem = request_url_check(cases[i].text);
        if (problem != NULL)
            fail_msg("\"%s\": %s", cases[i].text, problem);
        struct request request = request_make(&instance, cases[i].text);
        assert_case_text(cases[i].text, request.url, cases[i].url);
        assert_case_text(cases[i].text, request.host == NULL ? "" : request.host, cases[i].host);
        request_free(&request);
        assert_null(request.url);
        url_free(&instance);
    }
}

static void what_is_no_place_to_ask_is_refused(void **state)
{
    static const char *const bad[] = {
        "",        "metrics",        "a:8002/metrics", ":metrics",     ":8002",
        ":/m",     ":0/m",           ":65536/m",       ":08002/m",     ":8002m",
        "//b/m",   "/a b",           "/a#b",           "/a?b#c",       "/a?b c",
        "/a?%2",   "/a?\"b\"",       "/a\n",           "/a?b\n",       "ftp://b/m",
        "http://", "http://u:p@b/m", "http://b/m#f",   "http://b/a b", "http://b:99999/m",
        "/a?{b}",  "http://b/m?a b", "http://127.1/m", "/a/../b"};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_case(bad[i], request_url_check(bad[i]) != NULL);
    assert_contains(request_url_check("metrics"), "another port and a path such as :8002/metrics");
    assert_contains(request_url_check("http://u:p@b/m"), "has a user name or password");
}

static void a_health_path_is_a_path_with_or_without_a_query(void **state)
{
    (void)state;
    assert_null(request_path_check("/health"));
    assert_null(request_path_check("/health?ready=1&deep=no"));
    assert_non_null(request_path_check(":8002/health"));
    assert_non_null(request_path_check("http://b/health"));
    assert_non_null(request_path_check("health"));
}

static void a_query_has_a_bound(void **state)
{
    char text[URL_TEXT_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "/a?", 3);
    text[sizeof(text) - 1] = '\0';
    assert_non_null(request_path_check(text));
    assert_non_null(request_url_check(text));
    text[sizeof(text) - 2] = '\0';
    assert_null(request_path_check(text));
    assert_null(request_url_check(text));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_below_the_instance_at_its_port_or_elsewhere),
        cmocka_unit_test(what_is_no_place_to_ask_is_refused),
        cmocka_unit_test(a_health_path_is_a_path_with_or_without_a_query),
        cmocka_unit_test(a_query_has_a_bound),
    };

    return cmocka_run_group_tests_name("request_url", tests, NULL, NULL);
}
