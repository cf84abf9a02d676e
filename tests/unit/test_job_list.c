#include "jobs/job_list.h"

#include "helper.h"

/* Its jobs are compared as text; the bytes have no more room than they need. */
static void expect(const char *text, enum job_list_form form, const char *jobs,
                   unsigned long long total)
{
    char *copy = exact_copy(text, strlen(text));
    struct job_list list = job_list_read(copy, strlen(text));

    assert_case(text, list.form == form);
    if (form != JOB_LIST_NONE) {
        assert_case(text, list.length == strlen(jobs));
        assert_case(text, memcmp(list.jobs, jobs, list.length) == 0);
        assert_case(text, list.total == total);
    }
    free(copy);
}

static void the_real_servers_form(void **state)
{
    (void)state;
    expect("{\"total_jobs\":2,\"jobs\":{\"a\":{\"x\":[1]},\"b\":{}}}", JOB_LIST_MAP,
           "\"a\":{\"x\":[1]},\"b\":{}", 2);
    expect(" { \"jobs\" : { \"a\" : 1 } , \"total_jobs\" : 7 } \n", JOB_LIST_MAP, "\"a\" : 1", 7);
    expect("{\"jobs\":{}}", JOB_LIST_MAP, "", 0);
    expect("{\"jobs\":[ 1 , 2 ],\"total\":9}", JOB_LIST_JOBS, "1 , 2", 9);
    expect("{\"jobs\":[1,2]}", JOB_LIST_JOBS, "1,2", 2);
}

static void openais_form_and_a_bare_array(void **state)
{
    (void)state;
    expect("{\"object\":\"list\",\"data\":[{\"id\":\"a\"}],\"has_more\":false}", JOB_LIST_DATA,
           "{\"id\":\"a\"}", 1);
    assert_true(job_list_read("{\"data\":[],\"has_more\":true}", 27).has_more);
    expect("[{\"id\":1},{\"id\":2}]", JOB_LIST_BARE, "{\"id\":1},{\"id\":2}", 2);
    expect("[]", JOB_LIST_BARE, "", 0);
    expect("{\"data\":[1],\"jobs\":[2]}", JOB_LIST_JOBS, "2", 1);
}

static void all_that_json_has_passes(void **state)
{
    (void)state;
    static const char *const values[] = {
        "null",        "true",         "false",      "0",
        "-0",          "-1.5e+10",     "2E-3",       "12345678901234567890",
        "\"\"",        "\"]\"",        "\"\\\"\"",   "\"\\\\\"",
        "\"\\u00e4\"", "\"\xc3\xa4\"", "{\"a\":{}}", "[[],[1]]",
    };

    for (size_t i = 0; i < COUNT(values); i++) {
        char text[100];
        snprintf(text, sizeof(text), "[%s]", values[i]);
        expect(text, JOB_LIST_BARE, values[i], 1);
    }
}

static void what_is_no_json_is_no_list(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "null",
        "1",
        "\"jobs\"",
        "{",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"jobs\"}",
        "{\"jobs\":}",
        "{\"jobs\":[1}",
        "{jobs:[]}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "[-]",
        "[tru]",
        "[\"a]",
        "[\"\\x\"]",
        "[\"\\u12g4\"]",
        "[\"\n\"]",
        "[] x",
        "{\"jobs\":[]}]",
        "{}",
        "{\"jobs\":3}",
        "{\"data\":{}}",
        "{\"a\":1,}",
        "[\"\\",
        "[\"\\u1",
    };

    for (size_t i = 0; i < COUNT(texts); i++)
        expect(texts[i], JOB_LIST_NONE, "", 0);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * JOB_LIST_DEPTH_MAX + 3] = "";

    memset(text, '[', JOB_LIST_DEPTH_MAX);
    memset(text + JOB_LIST_DEPTH_MAX, ']', JOB_LIST_DEPTH_MAX);
    assert_int_equal(job_list_read(text, strlen(text)).form, JOB_LIST_BARE);
    memset(text, '[', JOB_LIST_DEPTH_MAX + 1);
    memset(text + JOB_LIST_DEPTH_MAX + 1, ']', JOB_LIST_DEPTH_MAX + 1);
    assert_int_equal(job_list_read(text, strlen(text)).form, JOB_LIST_NONE);
}

static void a_common_list_is_json_again(void **state)
{
    (void)state;
    static const enum job_list_form forms[] = {JOB_LIST_MAP, JOB_LIST_JOBS, JOB_LIST_DATA,
                                               JOB_LIST_BARE};

    for (size_t i = 0; i < COUNT(forms); i++) {
        char text[400];
        char *head = job_list_head(forms[i], 4);
        char *tail = job_list_tail(forms[i], true, "[{\"name\":\"instance2\"}]");
        const char *jobs = forms[i] == JOB_LIST_MAP ? "\"a\":1,\"b\":2" : "1,2";
        snprintf(text, sizeof(text), "%s%s%s", head, jobs, tail);
        bool has_total = forms[i] == JOB_LIST_MAP || forms[i] == JOB_LIST_JOBS;
        expect(text, forms[i], jobs, has_total ? 4 : 2);
        free(head);
        free(tail);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_servers_form),    cmocka_unit_test(openais_form_and_a_bare_array),
        cmocka_unit_test(all_that_json_has_passes), cmocka_unit_test(what_is_no_json_is_no_list),
        cmocka_unit_test(depth_is_bounded),         cmocka_unit_test(a_common_list_is_json_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
