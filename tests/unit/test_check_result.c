#include "helper.h"
#include "instances/check_result.h"

/* The default of JOBS_FIELD. */
#define POINTERS "/active_jobs,/concurrency/active_transcriptions"

/* A body and the count that is read out of it. */
struct good {
    const char *body;
    unsigned jobs;
};

/* A body and why its check fails. */
struct bad {
    const char *body;
    enum check_reason reason;
    const char *detail; /* a part of it */
};

static struct check_result result_of(const char *body, size_t length, const char *pointers)
{
    char *copy = exact_copy(body, length);
    struct check_result result = check_result_from_body(copy, length, pointers);

    free(copy);
    return result;
}

static void check_good(const char *body, const char *pointers, unsigned jobs)
{
    struct check_result result = result_of(body, strlen(body), pointers);

    if (result.reason != CHECK_PASSED)
        fail_msg("\"%s\": %s: %s", body, check_reason_text(result.reason), result.detail);
    if (result.active_jobs != jobs)
        fail_msg("\"%s\" has %u jobs, not %u", body, result.active_jobs, jobs);
    assert_case_text(body, result.detail, "");
}

static void check_all_good(const struct good *goods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_good(goods[i].body, POINTERS, goods[i].jobs);
}

static void check_bad(const struct bad *bad)
{
    struct check_result result = result_of(bad->body, strlen(bad->body), POINTERS);

    if (result.reason != bad->reason)
        fail_msg("\"%s\": %s, not %s", bad->body, check_reason_text(result.reason),
                 check_reason_text(bad->reason));
    if (strstr(result.detail, bad->detail) == NULL)
        fail_msg("\"%s\": \"%s\" doesn't say \"%s\"", bad->body, result.detail, bad->detail);
    assert_case(bad->body, result.active_jobs == 0);
}

static void check_all_bad(const struct bad *bads, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_bad(&bads[i]);
}

static void the_nested_form_of_whisperx_has_its_active_transcriptions(void **state)
{
    (void)state;
    /* active_jobs in there counts finished jobs too: it is a decoy. */
    check_good("{\"status\":\"healthy\",\"concurrency\":{\"max_concurrent_requests\":4,"
               "\"active_transcriptions\":2,\"active_jobs\":17}}",
               POINTERS, 2);
    check_good("{\"concurrency\":{\"active_jobs\":17,\"active_transcriptions\":0}}", POINTERS, 0);
}

static void the_decoy_alone_is_no_job_count(void **state)
{
    (void)state;
    check_bad(&(struct bad){"{\"concurrency\":{\"active_jobs\":17}}", CHECK_NO_JOB_COUNT,
                            "nothing at " POINTERS});
}

static void the_flat_form_has_its_active_jobs(void **state)
{
    static const struct good goods[] = {
        {"{\"active_jobs\":0}", 0},
        {"{\"status\":\"ok\",\"active_jobs\":5}", 5},
        {"  {\"active_jobs\":\t5 }\r\n\n", 5},
        {"\xef\xbb\xbf{\"active_jobs\":5}", 5},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void the_first_pointer_that_leads_to_something_counts(void **state)
{
    static const char both[] = "{\"concurrency\":{\"active_transcriptions\":3},\"active_jobs\":5}";

    (void)state;
    check_good(both, POINTERS, 5);
    check_good(both, "/concurrency/active_transcriptions,/active_jobs", 3);
    check_good(both, "/x,/y/z,/concurrency/active_transcriptions", 3);
    check_good("{\"a\":[{\"b\":7}]}", "/a/0/b", 7);
    check_good("{\"a/b\":7}", "/a~1b", 7);
    check_good("{\"a\":1,\"ab\":2}", "/ab,/a", 2);
}

/* A first match that is no count isn't made up for by a later one. */
static void a_bad_first_match_is_not_passed_over(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":null,\"concurrency\":{\"active_transcriptions\":3}}",
         CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":-1,\"concurrency\":{\"active_transcriptions\":3}}", CHECK_BAD_JOB_COUNT,
         "/active_jobs is -1"},
        {"{\"concurrency\":{\"active_transcriptions\":\"3\"}}", CHECK_BAD_JOB_COUNT,
         "/concurrency/active_transcriptions isn't a number"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_count_is_a_whole_number_in_any_notation(void **state)
{
    static const struct good goods[] = {
        {"{\"active_jobs\":3.0}", 3},    {"{\"active_jobs\":1e2}", 100},
        {"{\"active_jobs\":1.5e1}", 15}, {"{\"active_jobs\":1E+3}", 1000},
        {"{\"active_jobs\":50e-1}", 5},  {"{\"active_jobs\":-0}", 0},
        {"{\"active_jobs\":0.0}", 0},    {"{\"active_jobs\":999999}", 999999},
    };

    (void)state;
    check_all_good(goods, COUNT(goods));
}

static void a_million_jobs_are_the_most_that_is_believed(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":1000001}", CHECK_BAD_JOB_COUNT, "/active_jobs is 1e+06"},
        {"{\"active_jobs\":1000000.5}", CHECK_BAD_JOB_COUNT, "/active_jobs is 1e+06"},
        {"{\"active_jobs\":1e15}", CHECK_BAD_JOB_COUNT, "/active_jobs is 1e+15"},
        {"{\"active_jobs\":4294967296}", CHECK_BAD_JOB_COUNT, "/active_jobs is 4.29497e+09"},
        {"{\"active_jobs\":18446744073709551616}", CHECK_BAD_JOB_COUNT, "/active_jobs is"},
    };

    (void)state;
    check_good("{\"active_jobs\":1000000}", POINTERS, 1000000);
    check_good("{\"active_jobs\":1e6}", POINTERS, 1000000);
    check_all_bad(bads, COUNT(bads));
}

static void a_negative_fractional_or_endless_number_is_no_count(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":-1}", CHECK_BAD_JOB_COUNT, "/active_jobs is -1"},
        {"{\"active_jobs\":-0.5}", CHECK_BAD_JOB_COUNT, "/active_jobs is -0.5"},
        {"{\"active_jobs\":1.5}", CHECK_BAD_JOB_COUNT, "/active_jobs is 1.5"},
        {"{\"active_jobs\":1e-3}", CHECK_BAD_JOB_COUNT, "/active_jobs is 0.001"},
        {"{\"active_jobs\":1e999}", CHECK_BAD_JOB_COUNT, "/active_jobs is inf"},
        {"{\"active_jobs\":-1e999}", CHECK_BAD_JOB_COUNT, "/active_jobs is -inf"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void what_is_no_number_is_no_count(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":\"3\"}", CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":true}", CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":null}", CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":[]}", CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":[3]}", CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":{}}", CHECK_BAD_JOB_COUNT, "/active_jobs isn't a number"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void json_without_the_field_has_no_job_count(void **state)
{
    static const struct bad bads[] = {
        {"{}", CHECK_NO_JOB_COUNT, "nothing at " POINTERS},
        {"[]", CHECK_NO_JOB_COUNT, ""},
        {"[3]", CHECK_NO_JOB_COUNT, ""},
        {"3", CHECK_NO_JOB_COUNT, ""},
        {"null", CHECK_NO_JOB_COUNT, ""},
        {"\"active_jobs\"", CHECK_NO_JOB_COUNT, ""},
        {"{\"Active_Jobs\":3}", CHECK_NO_JOB_COUNT, ""},
        {"{\"concurrency\":3}", CHECK_NO_JOB_COUNT, ""},
        {"{\"concurrency\":null}", CHECK_NO_JOB_COUNT, ""},
        {"{\"status\":{\"active_jobs\":3}}", CHECK_NO_JOB_COUNT, ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_body_that_is_not_json_is_shown_in_part(void **state)
{
    static const struct bad bads[] = {
        {"", CHECK_NOT_JSON, "0 bytes, starting \"\""},
        {" ", CHECK_NOT_JSON, "1 bytes"},
        {"OK", CHECK_NOT_JSON, "2 bytes, starting \"OK\""},
        {"<html><body>0123456789012345678901234567890123456789", CHECK_NOT_JSON,
         "52 bytes, starting \"<html><body>0123456789012345678901234567\""},
        {"{\"active_jobs\":NaN}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":Infinity}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":0x10}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":+1}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":}", CHECK_NOT_JSON, ""},
        {"{'active_jobs':3}", CHECK_NOT_JSON, ""},
        {"{active_jobs:3}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3,}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\" 3}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":True}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3 /* three */}", CHECK_NOT_JSON, ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

/* cJSON takes 01 and 1. too, as section 9 of RFC 8259 allows: nothing is said of them here. */
static void what_only_begins_like_a_number_is_not_json(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":1e}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":--1}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":1-1}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":-}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":1_0}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":1 0}", CHECK_NOT_JSON, ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void after_the_json_only_white_space_may_follow(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":3}x", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3}{\"active_jobs\":4}", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3} ]", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3}\v", CHECK_NOT_JSON, ""},
        {"{\"active_jobs\":3}\n<!-- -->", CHECK_NOT_JSON, ""},
    };
    static const char nul[] = "{\"active_jobs\":3}\0";

    (void)state;
    check_good("{\"active_jobs\":3} \t\r\n", POINTERS, 3);
    check_all_bad(bads, COUNT(bads));
    assert_int_equal(result_of(nul, sizeof(nul) - 1, POINTERS).reason, CHECK_NOT_JSON);
    assert_int_equal(result_of(nul, sizeof(nul), POINTERS).reason, CHECK_NOT_JSON);
}

static void a_name_used_twice_has_its_first_value(void **state)
{
    (void)state;
    check_good("{\"active_jobs\":3,\"active_jobs\":4}", POINTERS, 3);
}

static void invalid_utf_8_is_harmless_in_strings_and_refused_elsewhere(void **state)
{
    static const struct bad bads[] = {
        {"\xff\xfe{\"active_jobs\":3}", CHECK_NOT_JSON, "starting \"??{"},
        {"\xc3\x28", CHECK_NOT_JSON, "starting \"?(\""},
        {"{\"active_jobs\":3\x80}", CHECK_NOT_JSON, "\"active_jobs\":3?}"},
    };

    (void)state;
    check_good("{\"model\":\"\xff\xc3\",\"\x80\":1,\"active_jobs\":3}", POINTERS, 3);
    check_all_bad(bads, COUNT(bads));
}

/* `count` times `open`, then `count` times `close`. */
static struct check_result sample_of_nesting(const char *open, const char *close, size_t count)
{
    size_t size = count * (strlen(open) + strlen(close));
    char *body = malloc(size + 1);

    assert_non_null(body);
    char *at = body;
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, open);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, close);
    struct check_result result = result_of(body, (size_t)(at - body), POINTERS);
    free(body);
    return result;
}

static void a_hundred_thousand_levels_of_nesting_are_refused(void **state)
{
    (void)state;
    assert_int_equal(sample_of_nesting("[", "]", 100000).reason, CHECK_NOT_JSON);
    assert_int_equal(sample_of_nesting("[", "", 100000).reason, CHECK_NOT_JSON);
    assert_int_equal(sample_of_nesting("{\"a\":", "}", 100000).reason, CHECK_NOT_JSON);
    assert_int_equal(sample_of_nesting("[", "]", 100).reason, CHECK_NO_JOB_COUNT);
}

static void a_body_of_one_mebibyte_is_read(void **state)
{
    static const char head[] = "{\"active_jobs\":3,\"x\":\"";
    static const char tail[] = "\"}";
    char *body = malloc(CHECK_BODY_MAX + 1);

    (void)state;
    assert_non_null(body);
    memset(body, 'x', CHECK_BODY_MAX);
    memcpy(body, head, sizeof(head) - 1);
    memcpy(body + CHECK_BODY_MAX - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    struct check_result result = result_of(body, CHECK_BODY_MAX, POINTERS);
    assert_int_equal(result.reason, CHECK_PASSED);
    assert_int_equal(result.active_jobs, 3);
    memset(body, ' ', CHECK_BODY_MAX);
    assert_int_equal(result_of(body, CHECK_BODY_MAX, POINTERS).reason, CHECK_NOT_JSON);
    free(body);
}

static void a_body_cut_short_is_not_json(void **state)
{
    static const char body[] = "{\"status\":\"h\\u00e4\\\"\",\"a\":[1,null,{\"b\":true}],"
                               "\"concurrency\":{\"active_transcriptions\":12}}";

    (void)state;
    check_good(body, POINTERS, 12);
    for (size_t length = 0; length < strlen(body); length++) {
        if (result_of(body, length, POINTERS).reason != CHECK_NOT_JSON)
            fail_msg("the first %zu bytes are not refused", length);
    }
}

static void a_detail_is_printable_and_bounded(void **state)
{
    char shown[CHECK_DETAIL_MAX * 2];
    struct check_result result =
        check_result_failed(CHECK_TLS_FAILED, "a\nb\rc\td\x1b[1m\x7f\xc3\xa4 %d%%", 5);

    (void)state;
    assert_int_equal(result.reason, CHECK_TLS_FAILED);
    assert_string_equal(result.detail, "a?b?c?d?[1m??? 5%");
    memset(shown, 'x', sizeof(shown));
    shown[sizeof(shown) - 1] = '\0';
    result = check_result_failed(CHECK_TIMED_OUT, "%s", shown);
    assert_int_equal(strlen(result.detail), CHECK_DETAIL_MAX - 1);
    assert_string_equal(check_result_failed(CHECK_TIMED_OUT, "%s", "").detail, "");
}

static void every_reason_has_a_text_and_a_label_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < CHECK_REASON_COUNT; i++) {
        const char *text = check_reason_text((enum check_reason)i);
        const char *label = check_reason_label((enum check_reason)i);
        assert_non_null(text);
        assert_non_null(label);
        assert_case(label, strspn(label, "abcdefghijklmnopqrstuvwxyz_") == strlen(label));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(text, check_reason_text((enum check_reason)j));
            assert_string_not_equal(label, check_reason_label((enum check_reason)j));
        }
    }
    assert_string_equal(check_reason_text(CHECK_CONNECTION_FAILED), "connection failed");
    assert_string_equal(check_reason_label(CHECK_CONNECTION_FAILED), "connection_failed");
    assert_string_equal(check_reason_label(CHECK_BAD_JOB_COUNT), "bad_job_count");
    assert_string_equal(check_reason_label(CHECK_NOT_JSON), "not_json");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nested_form_of_whisperx_has_its_active_transcriptions),
        cmocka_unit_test(the_decoy_alone_is_no_job_count),
        cmocka_unit_test(the_flat_form_has_its_active_jobs),
        cmocka_unit_test(the_first_pointer_that_leads_to_something_counts),
        cmocka_unit_test(a_bad_first_match_is_not_passed_over),
        cmocka_unit_test(a_count_is_a_whole_number_in_any_notation),
        cmocka_unit_test(a_million_jobs_are_the_most_that_is_believed),
        cmocka_unit_test(a_negative_fractional_or_endless_number_is_no_count),
        cmocka_unit_test(what_is_no_number_is_no_count),
        cmocka_unit_test(json_without_the_field_has_no_job_count),
        cmocka_unit_test(a_body_that_is_not_json_is_shown_in_part),
        cmocka_unit_test(what_only_begins_like_a_number_is_not_json),
        cmocka_unit_test(after_the_json_only_white_space_may_follow),
        cmocka_unit_test(a_name_used_twice_has_its_first_value),
        cmocka_unit_test(invalid_utf_8_is_harmless_in_strings_and_refused_elsewhere),
        cmocka_unit_test(a_hundred_thousand_levels_of_nesting_are_refused),
        cmocka_unit_test(a_body_of_one_mebibyte_is_read),
        cmocka_unit_test(a_body_cut_short_is_not_json),
        cmocka_unit_test(a_detail_is_printable_and_bounded),
        cmocka_unit_test(every_reason_has_a_text_and_a_label_of_its_own),
    };

    return cmocka_run_group_tests_name("check_result", tests, NULL, NULL);
}
