#include "names/url_list.h"

#include "helper.h"

static struct url_list parse(const char *text, size_t length, struct errors *errors)
{
    struct url_list list = {0};
    char *bytes = exact_copy(text, length + 1);

    url_list_parse(&list, bytes, length, "/list", errors);
    free(bytes);
    return list;
}

/* The URLs with a blank behind each. */
static void check_good(const char *text, const char *expected)
{
    struct errors errors = {0};
    struct url_list list = parse(text, strlen(text), &errors);
    char found[512] = "";

    assert_no_errors(&errors);
    for (size_t i = 0; i < list.count; i++) {
        strncat(found, list.urls[i], sizeof(found) - strlen(found) - 1);
        strncat(found, " ", sizeof(found) - strlen(found) - 1);
    }
    assert_case_text(text, found, expected);
    url_list_free(&list);
    errors_free(&errors);
}

static void urls_are_one_a_line(void **state)
{
    (void)state;
    check_good("", "");
    check_good("\n\n", "");
    check_good("http://a\nhttp://b", "http://a http://b ");
    check_good("http://b:8000\nhttp://a:8000\n", "http://b:8000 http://a:8000 ");
    check_good("10.0.0.5:8000\r\n\thttps://Gpu.Example/x/ \r\n", "http://10.0.0.5:8000 "
                                                                 "https://gpu.example/x ");
    check_good("# all of them\n\n  # none\nhttp://a # the first\nhttp://b#\n",
               "http://a http://b ");
    check_good("\xef\xbb\xbfhttp://a\n", "http://a ");
    check_good("http://[2001:db8::1]:8000\n", "http://[2001:db8::1]:8000 ");
}

static void one_that_is_there_again_counts_once_where_it_was_first(void **state)
{
    (void)state;
    check_good("http://b\nhttp://a\nhttp://b:80/\nhttp://A\nhttp://c\n",
               "http://b http://a http://c ");
}

static void every_line_that_is_not_understood_is_named(void **state)
{
    static const char text[] = "http://a\n\nhttp://b http://c\nftp://d\nhttp://u:secret@e\n\xff\n"
                               "http://\xc3\xa9\nhttp://f\n";
    struct errors errors = {0};
    struct url_list list = parse(text, strlen(text), &errors);

    (void)state;
    assert_int_equal(errors.count, 5);
    assert_error(&errors, "/list line 3: \"http://b http://c\": has a space");
    assert_error(&errors, "/list line 4: \"ftp://d\": the scheme must be");
    assert_error(&errors, "/list line 5: \"http://***@e\": has a user name or password");
    assert_error(&errors, "/list line 6: ");
    assert_error(&errors, "/list line 7: ");
    for (size_t i = 0; i < errors.count; i++)
        assert_null(strstr(errors.errors[i], "secret"));
    url_list_free(&list);
    errors_free(&errors);
}

static void a_nul_ends_no_line(void **state)
{
    static const char text[] = "http://a\0b\nhttp://c\n";
    struct errors errors = {0};
    struct url_list list = parse(text, sizeof(text) - 1, &errors);

    (void)state;
    assert_int_equal(errors.count, 1);
    assert_error(&errors, "/list line 1: \"http://a\": has a NUL character");
    url_list_free(&list);
    errors_free(&errors);
}

static void there_are_at_most_ten_thousand(void **state)
{
    char *text = NULL;
    size_t size = 0;

    (void)state;
    for (int count = 10000; count <= 10001; count++) {
        struct errors errors = {0};
        FILE *memory = open_memstream(&text, &size);
        for (int i = 0; i < count; i++)
            fprintf(memory, "h%d\nh%d\n", i, i);
        fclose(memory);
        struct url_list list = parse(text, size, &errors);
        assert_int_equal(list.count, count);
        if (count == 10000)
            assert_no_errors(&errors);
        else
            assert_error(&errors, "/list: 10001 instances: at most 10000");
        url_list_free(&list);
        errors_free(&errors);
        free(text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_one_a_line),
        cmocka_unit_test(one_that_is_there_again_counts_once_where_it_was_first),
        cmocka_unit_test(every_line_that_is_not_understood_is_named),
        cmocka_unit_test(a_nul_ends_no_line),
        cmocka_unit_test(there_are_at_most_ten_thousand),
    };

    return cmocka_run_group_tests_name("url_list", tests, NULL, NULL);
}
