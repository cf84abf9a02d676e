#include "helper.h"
#include "run/addresses.h"

static void an_address_for_all_of_them_is_reached_at_our_own(void **state)
{
    static const struct {
        const char *bound;
        const char *certificate;
        const char *url;
    } cases[] = {
        {"*", NULL, "http://127.0.0.1:8080"},
        {"0.0.0.0", NULL, "http://127.0.0.1:8080"},
        {"::", NULL, "http://[::1]:8080"},
        {"10.1.2.3", NULL, "http://10.1.2.3:8080"},
        {"2001:db8::1", "x", "https://[2001:db8::1]:8080"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct config config = {.bind_address = (char *)cases[i].bound,
                                      .tls_cert_file = (char *)cases[i].certificate,
                                      .port = 8080};
        char *url = address_of_balancer(&config);
        assert_case_text(cases[i].bound, url, cases[i].url);
        free(url);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_for_all_of_them_is_reached_at_our_own),
    };

    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
