#include "helper.h"
#include "url.h"

/* What a good URL becomes. */
struct good {
    const char *text;
    bool tls;
    enum url_host kind;
    const char *host;
    unsigned port;
    const char *path;
    const char *authority;
    const char *canonical;
};

static void check_good(const struct good *good)
{
    struct url url;
    const char *problem = url_parse(&url, good->text);

    if (problem != NULL)
        fail_msg("%s: %s", good->text, problem);
    assert_case(good->text, url.tls == good->tls);
    assert_case(good->text, url.host_kind == good->kind);
    assert_case_text(good->text, url.host, good->host);
    assert_case(good->text, url.port == good->port);
    assert_case_text(good->text, url.path, good->path);
    assert_case_text(good->text, url.authority, good->authority);
    assert_case_text(good->text, url.text, good->canonical);
    url_free(&url);
}

static void check_all_good(const struct good *goods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_good(&goods[i]);
}

/* A bad one is refused with words that say why. */
struct bad {
    const char *text;
    const char *why;
};

static void check_bad(const char *text, const char *why)
{
    struct url url;
    const char *problem = url_parse(&url, text);

    if (problem == NULL)
        fail_msg("\"%s\" was accepted as %s", text, url.text);
    else if (strstr(problem, why) == NULL)
        fail_msg("\"%s\" was refused with \"%s\", which doesn't say \"%s\"", text, problem, why);
}

static void check_all_bad(const struct bad *bads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_bad(bads[i].text, bads[i].why);
}

static void a_url_is_taken_apart(void **state)
{
    static const struct good goods[] = {
        {"http://10.0.0.5:8000", false, URL_HOST_IPV4, "10.0.0.5", 8000, "", "10.0.0.5:8000",
         "http://10.0.0.5:8000"},
        {"https://asr.example.org", true, URL_HOST_NAME, "asr.example.org", 443, "",
         "asr.example.org", "https://asr.example.org"},
        {"http://[2001:db8::5]:8000/a", false, URL_HOST_IPV6, "2001:db8::5", 8000, "/a",
         "[2001:db8::5]:8000", "http://[2001:db8::5]:8000/a"},
        {"https://[::1]", true, URL_HOST_IPV6, "::1", 443, "", "[::1]", "https://[::1]"},
        {"http://host/a/b-c._~d/x:@+=y", false, URL_HOST_NAME, "host", 80, "/a/b-c._~d/x:@+=y",
         "host", "http://host/a/b-c._~d/x:@+=y"},
        {"http://host:1", false, URL_HOST_NAME, "host", 1, "", "host:1", "http://host:1"},
        {"http://host:65535", false, URL_HOST_NAME, "host", 65535, "", "host:65535",
         "http://host:65535"},
        {"http://3com.example", false, URL_HOST_NAME, "3com.example", 80, "", "3com.example",
         "http://3com.example"},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void without_a_scheme_http_is_assumed(void **state)
{
    static const struct good goods[] = {
        {"host", false, URL_HOST_NAME, "host", 80, "", "host", "http://host"},
        {"host:8000/a/", false, URL_HOST_NAME, "host", 8000, "/a", "host:8000",
         "http://host:8000/a"},
        {"127.0.0.1:8000", false, URL_HOST_IPV4, "127.0.0.1", 8000, "", "127.0.0.1:8000",
         "http://127.0.0.1:8000"},
        {"[::1]:8000", false, URL_HOST_IPV6, "::1", 8000, "", "[::1]:8000", "http://[::1]:8000"},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void a_default_port_is_left_out_of_the_host_field(void **state)
{
    static const struct good goods[] = {
        {"http://host:80", false, URL_HOST_NAME, "host", 80, "", "host", "http://host"},
        {"https://host:443/", true, URL_HOST_NAME, "host", 443, "", "host", "https://host"},
        {"http://host:443", false, URL_HOST_NAME, "host", 443, "", "host:443", "http://host:443"},
        {"https://host:80", true, URL_HOST_NAME, "host", 80, "", "host:80", "https://host:80"},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void scheme_and_host_become_lower_case_but_not_the_path(void **state)
{
    static const struct good goods[] = {
        {"HTTP://Host.Example/Path", false, URL_HOST_NAME, "host.example", 80, "/Path",
         "host.example", "http://host.example/Path"},
        {"HttpS://HOST", true, URL_HOST_NAME, "host", 443, "", "host", "https://host"},
        {"http://[2001:DB8::A]", false, URL_HOST_IPV6, "2001:db8::a", 80, "", "[2001:db8::a]",
         "http://[2001:db8::a]"},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void a_trailing_slash_is_dropped(void **state)
{
    static const struct good goods[] = {
        {"http://host/", false, URL_HOST_NAME, "host", 80, "", "host", "http://host"},
        {"http://host/a/", false, URL_HOST_NAME, "host", 80, "/a", "host", "http://host/a"},
        {"http://host/a/b/", false, URL_HOST_NAME, "host", 80, "/a/b", "host", "http://host/a/b"},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void one_ipv6_address_in_two_forms_is_one_url(void **state)
{
    struct url brief;
    struct url full;

    (void)state;
    assert_null(url_parse(&brief, "http://[2001:db8::1]"));
    assert_null(url_parse(&full, "http://[2001:0db8:0:0:0:0:0:1]:80/"));
    assert_string_equal(brief.text, full.text);
    url_free(&brief);
    url_free(&full);
}

static void what_is_no_url_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"", ""},
        {"http://", ""},
        {"http:///path", "no host"},
        {"http://:8000", ""},
        {"/path", ""},
        {"//host", ""},
        {"http://[::1", "IPv6"},
        {"http://[::1]x", ""},
        {"http://[1.2.3.4]", ""},
        {"http://host[", ""},
        {"http://http://host", ""},
        {"http://::1", ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

/* "http:/10.0.0.5" would otherwise be the path "/10.0.0.5" of a host that is called "http". */
static void a_scheme_with_a_slash_missing_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http:/10.0.0.5:8000", ""},
        {"https:/asr.example.org", ""},
        {"http:asr.example.org", ""},
        {"https:asr.example.org", ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_scheme_other_than_http_and_https_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"ftp://host", "http:// or https://"},    {"file:///etc/passwd", "http:// or https://"},
        {"unix:///run/x", "http:// or https://"}, {"httpx://host", "http:// or https://"},
        {"htt://host", "http:// or https://"},    {"https1://host", "http:// or https://"},
        {"://host", "http:// or https://"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_user_or_a_password_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://user:secret@host", "user name or password"},
        {"http://user@host", "user name or password"},
        {"http://:secret@host", "user name or password"},
        {"http://@host", "user name or password"},
        {"user:secret@host:8000", "user name or password"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_query_or_a_fragment_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://host?a=b", "query"},   {"http://host/?", "query"},
        {"http://host/a?b", "query"},   {"http://host#a", "fragment"},
        {"http://host/#", "fragment"},  {"http://host/a#b", "fragment"},
        {"http://host/a?b#c", "query"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_port_out_of_range_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://host:0", "from 1 to 65535"},      {"http://host:65536", "from 1 to 65535"},
        {"http://host:-1", "from 1 to 65535"},     {"http://host:80a", "from 1 to 65535"},
        {"http://host:http", "from 1 to 65535"},   {"http://host:4294967376", "from 1 to 65535"},
        {"http://host:+80", "from 1 to 65535"},    {"http://[::1]:0", "from 1 to 65535"},
        {"http://[::1]:65536", "from 1 to 65535"}, {"http://host:1:2", ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_host_name_that_rfc_1123_does_not_allow_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://my_host", "RFC 1123"},
        {"http://-host", "RFC 1123"},
        {"http://host-", "RFC 1123"},
        {"http://a..b", "RFC 1123"},
        {"http://.a", "RFC 1123"},
        {"http://a.-b.c", "RFC 1123"},
        {"http://256.1.1.1", "RFC 1123"},
        {"http://1.2.3.4.5", "RFC 1123"},
        {"http://host.123", "RFC 1123"},
        {"http://ho~st", ""},
        {"http://ho=st", ""},
        {"http://ho+st", ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

/* inet_aton(3)'s old forms: curl makes addresses of them that nobody meant. */
static void a_mistyped_address_is_rejected_not_completed(void **state)
{
    static const struct bad bads[] = {
        {"http://10.0.5:8000", ""}, {"http://8000", ""},       {"http://0x7f.1", ""},
        {"http://010.0.0.1", ""},   {"http://2130706433", ""}, {"8000", ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_host_name_has_63_characters_a_label_and_253_in_all(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[63] = '\0';
    assert_true(url_is_host_name(name));
    name[63] = 'a';
    name[64] = '\0';
    assert_false(url_is_host_name(name));

    memset(name, 'a', sizeof(name));
    for (size_t i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    name[253] = '\0';
    assert_true(url_is_host_name(name));
    name[253] = 'a';
    name[254] = '\0';
    assert_false(url_is_host_name(name));
}

static void host_names_are_told_from_other_words(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"a", true},         {"localhost", true}, {"a.b.c", true}, {"a-b.c", true},
        {"1a", true},        {"1.a", true},       {"xn--a", true}, {"A.B", true},
        {"0.0.0.0.a", true}, {"", false},         {".", false},    {"a.", false},
        {"a..b", false},     {"-a", false},       {"a-", false},   {"a.b-", false},
        {"1", false},        {"1.2.3.4", false},  {"a.1", false},  {"a b", false},
        {"a_b", false},      {"a\n", false},      {"::1", false},  {"a/b", false},
        {"\xc3\xa4", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_case(cases[i].text, url_is_host_name(cases[i].text) == cases[i].good);
}

static void plain_paths_are_told_from_others(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"/", true},      {"/a", true},           {"/a/", true},
        {"/a/b", true},   {"/a-._~:@+=Z9", true}, {"/...", true},
        {"/.a", true},    {"/a..", true},         {"/..a/b", true},
        {"", false},      {"a", false},           {"a/b", false},
        {"//", false},    {"/a//b", false},       {"//a", false},
        {"/a//", false},  {"/.", false},          {"/..", false},
        {"/./a", false},  {"/../a", false},       {"/a/.", false},
        {"/a/..", false}, {"/a/./b", false},      {"/a/../b", false},
        {"/a b", false},  {"/a%20b", false},      {"/a\"", false},
        {"/a'", false},   {"/a#", false},         {"/a?b", false},
        {"/a\\b", false}, {"/a,b", false},        {"/a\n", false},
        {"/a{b}", false}, {"/a$b", false},        {"/\xc3\xa4", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_case(cases[i].text, url_is_plain_path(cases[i].text) == cases[i].good);
}

static void a_path_with_empty_or_dot_segments_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://host/a//b", "segments"},   {"http://host//a", "segments"},
        {"http://host/a/../b", "segments"}, {"http://host/../a", "segments"},
        {"http://host/./a", "segments"},    {"http://host/a/./b/", "segments"},
        {"host/a/../b", "segments"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_path_that_ends_in_a_dot_segment_is_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://host/a/..", "segments"},
        {"http://host/a/.", "segments"},
        {"http://host/..", "segments"},
        {"http://host/.", "segments"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void characters_that_mean_something_to_haproxy_are_rejected(void **state)
{
    static const struct bad bads[] = {
        {"http://ho st", "space"},
        {" http://host", "space"},
        {"http://host ", "space"},
        {"http://host/a b", "space"},
        {"http://host\n", "control"},
        {"http://host/\nserver evil 1.2.3.4", "control"},
        {"http://host\r", "control"},
        {"http://host/\t", "control"},
        {"http://host/\x1b[31m", "control"},
        {"http://host/\x7f", "control"},
        {"http://host/\"", "character \""},
        {"http://host/'", "character '"},
        {"http://host/%41", "character %"},
        {"http://host/\\", "character \\"},
        {"http://host/$HOME", "character $"},
        {"http://host/{a}", "character {"},
        {"http://host/a,b", "character ,"},
        {"http://host/a;b", "character ;"},
        {"http://h\xc3\xb6st", "xn--"},
        {"http://host/\x80", "outside ASCII"},
        {"http://[fe80::1%eth0]", "character %"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

/* Whatever a byte does to a URL, it never gets into haproxy.cfg unless it is harmless there. */
static void no_byte_outside_the_safe_set_is_accepted_anywhere(void **state)
{
    static const char *const formats[] = {"http://a%cb:8000/c", "http://ab:80%c0/c",
                                          "http://ab:8000/%cc", "%chttp://ab", "http://ab/%c"};
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "-._~/:@+=";

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        for (size_t i = 0; i < COUNT(formats); i++) {
            char text[64];
            struct url url;
            snprintf(text, sizeof(text), formats[i], byte);
            if (url_parse(&url, text) != NULL)
                continue;
            assert_case(text, strchr(safe, byte) != NULL);
            assert_case(text, strspn(url.host, "abcdefghijklmnopqrstuvwxyz0123456789-.") ==
                                  strlen(url.host));
            assert_case(text, strspn(url.path, safe) == strlen(url.path));
            url_free(&url);
        }
    }
}

static void a_url_of_more_than_2048_characters_is_rejected(void **state)
{
    char text[URL_TEXT_MAX + 2] = "http://host/";
    size_t length = strlen(text);
    struct url url;

    (void)state;
    memset(text + length, 'a', sizeof(text) - length);
    text[URL_TEXT_MAX] = '\0';
    assert_null(url_parse(&url, text));
    assert_int_equal(strlen(url.path), URL_TEXT_MAX - strlen("http://host"));
    url_free(&url);
    text[URL_TEXT_MAX] = 'a';
    text[URL_TEXT_MAX + 1] = '\0';
    check_bad(text, "2048");
}

static void a_message_does_not_show_the_password(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"http://host/a", "http://host/a"},
        {"host:8000", "host:8000"},
        {"", ""},
        {"http://user:secret@host:80/a", "http://***@host:80/a"},
        {"https://secret@host", "https://***@host"},
        {"user:secret@host", "***@host"},
        {"http://user:se@cret@host", "http://***@host"},
        {"user:se://cret@host", "***@host"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *shown = url_redact(cases[i].text);
        assert_case_text(cases[i].text, shown, cases[i].shown);
        free(shown);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(without_a_scheme_http_is_assumed),
        cmocka_unit_test(a_default_port_is_left_out_of_the_host_field),
        cmocka_unit_test(scheme_and_host_become_lower_case_but_not_the_path),
        cmocka_unit_test(a_trailing_slash_is_dropped),
        cmocka_unit_test(one_ipv6_address_in_two_forms_is_one_url),
        cmocka_unit_test(what_is_no_url_is_rejected),
        cmocka_unit_test(a_scheme_with_a_slash_missing_is_rejected),
        cmocka_unit_test(a_scheme_other_than_http_and_https_is_rejected),
        cmocka_unit_test(a_user_or_a_password_is_rejected),
        cmocka_unit_test(a_query_or_a_fragment_is_rejected),
        cmocka_unit_test(a_port_out_of_range_is_rejected),
        cmocka_unit_test(a_host_name_that_rfc_1123_does_not_allow_is_rejected),
        cmocka_unit_test(a_mistyped_address_is_rejected_not_completed),
        cmocka_unit_test(a_host_name_has_63_characters_a_label_and_253_in_all),
        cmocka_unit_test(host_names_are_told_from_other_words),
        cmocka_unit_test(plain_paths_are_told_from_others),
        cmocka_unit_test(a_path_with_empty_or_dot_segments_is_rejected),
        cmocka_unit_test(a_path_that_ends_in_a_dot_segment_is_rejected),
        cmocka_unit_test(characters_that_mean_something_to_haproxy_are_rejected),
        cmocka_unit_test(no_byte_outside_the_safe_set_is_accepted_anywhere),
        cmocka_unit_test(a_url_of_more_than_2048_characters_is_rejected),
        cmocka_unit_test(a_message_does_not_show_the_password),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
