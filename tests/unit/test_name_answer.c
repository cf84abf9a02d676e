#include "names/name_answer.h"

#include <arpa/inet.h>

#include "helper.h"
#include "names/followed_name.h"

/* An answer: addresses separated by blanks, "" for none, NULL if nobody answered. */
static struct name_answer answer_of(const char *text, enum name_family family)
{
    struct name_answer answer = {.outcome = NAME_FAILED};
    unsigned char addresses[16 * 8];
    size_t size = family == NAME_IPV6 ? 16 : 4;
    size_t count = 0;
    struct url url;

    if (text == NULL)
        return answer;
    char *copy = strdup(text);
    char *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        assert_int_equal(
            inet_pton(size == 16 ? AF_INET6 : AF_INET, word, addresses + size * count++), 1);
    assert_null(url_parse(&url, "http://workers:8000/x"));
    name_answer_fill(&answer, family, &url, addresses, count);
    url_free(&url);
    free(copy);
    return answer;
}

static void assert_urls(const struct name_urls *urls, const char *expected)
{
    char text[1024] = "";
    size_t length = 0;

    for (int family = 0; family < NAME_FAMILIES; family++) {
        for (size_t i = 0; i < urls->of[family].count; i++)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                       i == 0 && family == 0 ? "" : " ", urls->of[family].urls[i]);
    }
    assert_string_equal(text, expected);
}

static bool take(struct name_urls *urls, const char *ipv4, const char *ipv6)
{
    struct name_answer answers[] = {answer_of(ipv4, NAME_IPV4), answer_of(ipv6, NAME_IPV6)};
    bool is_known = name_urls_take(urls, answers);

    for (int family = 0; family < NAME_FAMILIES; family++)
        name_answer_free(&answers[family]);
    return is_known;
}

static void addresses_become_urls_in_their_order(void **state)
{
    struct name_urls urls = {0};

    (void)state;
    /* As numbers, not as texts; each once. */
    assert_true(take(&urls, "10.0.0.10 10.0.0.2 10.0.0.10", "fd00::10 fd00::2"));
    assert_urls(&urls, "http://10.0.0.2:8000/x http://10.0.0.10:8000/x http://[fd00::2]:8000/x "
                       "http://[fd00::10]:8000/x");
    name_urls_free(&urls);
}

static void a_link_local_address_is_nobodys(void **state)
{
    struct name_urls urls = {0};

    (void)state;
    assert_true(take(&urls, "10.0.0.1", "fe80::1"));
    assert_urls(&urls, "http://10.0.0.1:8000/x");
    assert_false(take(&urls, "", "fe80::1"));
    assert_urls(&urls, "http://10.0.0.1:8000/x");
    name_urls_free(&urls);
}

#define V4(last) "http://10.0.0." last ":8000/x"
#define V6(last) "http://[fd00::" last "]:8000/x"

static void what_is_not_answered_stays_as_it_was(void **state)
{
    static const struct {
        const char *ipv4;
        const char *ipv6;
        const char *expected;
        bool is_known;
    } cases[] = {
        {"10.0.0.1 10.0.0.2", "fd00::1", V4("1") " " V4("2") " " V6("1"), true},
        /* Nobody knows of one family: it keeps what it had. */
        {"10.0.0.1", NULL, V4("1") " " V6("1"), true},
        {NULL, "fd00::2", V4("1") " " V6("2"), true},
        /* One family has none: that is an answer. */
        {"10.0.0.3", "", V4("3"), true},
        {"10.0.0.3", "fd00::3", V4("3") " " V6("3"), true},
        {"", "fd00::3", " " V6("3"), true},
        {"10.0.0.3", "fd00::3", V4("3") " " V6("3"), true},
        /* The name is gone, or nobody answers: it keeps all. */
        {"", "", V4("3") " " V6("3"), false},
        {NULL, NULL, V4("3") " " V6("3"), false},
        {"", NULL, V4("3") " " V6("3"), false},
        {NULL, "", V4("3") " " V6("3"), false},
        {"10.0.0.4", "", V4("4"), true},
    };
    struct name_urls urls = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu", i);
        assert_case(name, take(&urls, cases[i].ipv4, cases[i].ipv6) == cases[i].is_known);
        assert_urls(&urls, cases[i].expected);
    }
    name_urls_free(&urls);
}

static void what_is_remembered_stays_until_the_first_answer(void **state)
{
    struct name_urls urls = {0};

    (void)state;
    name_urls_remember(&urls, V4("7"));
    name_urls_remember(&urls, V6("7"));
    name_urls_remember(&urls, "nonsense://");
    assert_false(take(&urls, NULL, ""));
    assert_urls(&urls, V4("7") " " V6("7"));
    assert_true(take(&urls, "10.0.0.8", NULL));
    assert_urls(&urls, V4("8") " " V6("7"));
    name_urls_free(&urls);
}

static void it_is_asked_again_after_its_time_to_live_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(followed_name_wait_s(0), 5);
    assert_int_equal(followed_name_wait_s(5), 5);
    assert_int_equal(followed_name_wait_s(7), 7);
    assert_int_equal(followed_name_wait_s(10), 10);
    assert_int_equal(followed_name_wait_s(600), 10);
    assert_int_equal(followed_name_wait_s(0x7fffffff), 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_become_urls_in_their_order),
        cmocka_unit_test(a_link_local_address_is_nobodys),
        cmocka_unit_test(what_is_not_answered_stays_as_it_was),
        cmocka_unit_test(what_is_remembered_stays_until_the_first_answer),
        cmocka_unit_test(it_is_asked_again_after_its_time_to_live_within_bounds),
    };

    return cmocka_run_group_tests_name("name_answer", tests, NULL, NULL);
}
