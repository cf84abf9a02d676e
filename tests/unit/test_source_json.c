#include "helper.h"
#include "presets.h"
#include "sources/source_json.h"

#define BODY_MAX (1024 * 1024)

/* The default of JOBS_FIELD. */
#define POINTERS "/active_jobs,/concurrency/active_transcriptions"

#define SIXTEEN "/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16"
#define SEVENTEEN "/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,/17"

/* A body and the count that is read out of it. */
struct good {
    const char *body;
    unsigned jobs;
};

/* A body and why there is no count in it. */
struct bad {
    const char *body;
    enum source_outcome outcome;
    const char *detail; /* a part of it */
};

static struct source_reading reading_of(const char *body, size_t length, const char *pointers)
{
    char *copy = exact_copy(body, length);
    struct source_reading reading = source_json.read(copy, length, pointers);

    free(copy);
    return reading;
}

static void check_good(const char *body, const char *pointers, unsigned jobs)
{
    struct source_reading reading = reading_of(body, strlen(body), pointers);

    if (reading.outcome != SOURCE_COUNTED)
        fail_msg("\"%s\": outcome %d: %s", body, (int)reading.outcome, reading.detail);
    if (reading.jobs != jobs)
        fail_msg("\"%s\" has %u jobs, not %u", body, reading.jobs, jobs);
    assert_case_text(body, reading.detail, "");
}

static void check_all_good(const struct good *goods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_good(goods[i].body, POINTERS, goods[i].jobs);
}

static void check_bad(const struct bad *bad)
{
    struct source_reading reading = reading_of(bad->body, strlen(bad->body), POINTERS);

    if (reading.outcome != bad->outcome)
        fail_msg("\"%s\": outcome %d, not %d", bad->body, (int)reading.outcome, (int)bad->outcome);
    if (strstr(reading.detail, bad->detail) == NULL)
        fail_msg("\"%s\": \"%s\" doesn't say \"%s\"", bad->body, reading.detail, bad->detail);
    assert_case(bad->body, reading.jobs == 0);
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
    check_bad(&(struct bad){"{\"concurrency\":{\"active_jobs\":17}}", SOURCE_NO_COUNT,
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
        {"{\"active_jobs\":null,\"concurrency\":{\"active_transcriptions\":3}}", SOURCE_BAD_COUNT,
         "/active_jobs isn't a number"},
        {"{\"active_jobs\":-1,\"concurrency\":{\"active_transcriptions\":3}}", SOURCE_BAD_COUNT,
         "/active_jobs is -1"},
        {"{\"concurrency\":{\"active_transcriptions\":\"3\"}}", SOURCE_BAD_COUNT,
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
        {"{\"active_jobs\":1000001}", SOURCE_BAD_COUNT, "/active_jobs is 1e+06"},
        {"{\"active_jobs\":1000000.5}", SOURCE_BAD_COUNT, "/active_jobs is 1e+06"},
        {"{\"active_jobs\":1e15}", SOURCE_BAD_COUNT, "/active_jobs is 1e+15"},
        {"{\"active_jobs\":4294967296}", SOURCE_BAD_COUNT, "/active_jobs is 4.29497e+09"},
        {"{\"active_jobs\":18446744073709551616}", SOURCE_BAD_COUNT, "/active_jobs is"},
    };

    (void)state;
    check_good("{\"active_jobs\":1000000}", POINTERS, 1000000);
    check_good("{\"active_jobs\":1e6}", POINTERS, 1000000);
    check_all_bad(bads, COUNT(bads));
}

static void a_negative_fractional_or_endless_number_is_no_count(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":-1}", SOURCE_BAD_COUNT, "/active_jobs is -1"},
        {"{\"active_jobs\":-0.5}", SOURCE_BAD_COUNT, "/active_jobs is -0.5"},
        {"{\"active_jobs\":1.5}", SOURCE_BAD_COUNT, "/active_jobs is 1.5"},
        {"{\"active_jobs\":1e-3}", SOURCE_BAD_COUNT, "/active_jobs is 0.001"},
        {"{\"active_jobs\":1e999}", SOURCE_BAD_COUNT, "/active_jobs is inf"},
        {"{\"active_jobs\":-1e999}", SOURCE_BAD_COUNT, "/active_jobs is -inf"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void what_is_no_number_is_no_count(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":\"3\"}", SOURCE_BAD_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":true}", SOURCE_BAD_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":null}", SOURCE_BAD_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":[]}", SOURCE_BAD_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":[3]}", SOURCE_BAD_COUNT, "/active_jobs isn't a number"},
        {"{\"active_jobs\":{}}", SOURCE_BAD_COUNT, "/active_jobs isn't a number"},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void json_without_the_field_has_no_job_count(void **state)
{
    static const struct bad bads[] = {
        {"{}", SOURCE_NO_COUNT, "nothing at " POINTERS},
        {"[]", SOURCE_NO_COUNT, ""},
        {"[3]", SOURCE_NO_COUNT, ""},
        {"3", SOURCE_NO_COUNT, ""},
        {"null", SOURCE_NO_COUNT, ""},
        {"\"active_jobs\"", SOURCE_NO_COUNT, ""},
        {"{\"Active_Jobs\":3}", SOURCE_NO_COUNT, ""},
        {"{\"concurrency\":3}", SOURCE_NO_COUNT, ""},
        {"{\"concurrency\":null}", SOURCE_NO_COUNT, ""},
        {"{\"status\":{\"active_jobs\":3}}", SOURCE_NO_COUNT, ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void a_body_that_is_not_json_is_shown_in_part(void **state)
{
    static const struct bad bads[] = {
        {"", SOURCE_WRONG_FORM, "0 bytes, starting \"\""},
        {" ", SOURCE_WRONG_FORM, "1 bytes"},
        {"OK", SOURCE_WRONG_FORM, "2 bytes, starting \"OK\""},
        {"<html><body>0123456789012345678901234567890123456789", SOURCE_WRONG_FORM,
         "52 bytes, starting \"<html><body>0123456789012345678901234567\""},
        {"{\"active_jobs\":NaN}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":Infinity}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":0x10}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":+1}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":}", SOURCE_WRONG_FORM, ""},
        {"{'active_jobs':3}", SOURCE_WRONG_FORM, ""},
        {"{active_jobs:3}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3,}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\" 3}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":True}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3 /* three */}", SOURCE_WRONG_FORM, ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

/* cJSON takes 01 and 1. too, as section 9 of RFC 8259 allows: nothing is said of them here. */
static void what_only_begins_like_a_number_is_not_json(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":1e}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":--1}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":1-1}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":-}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":1_0}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":1 0}", SOURCE_WRONG_FORM, ""},
    };

    (void)state;
    check_all_bad(bads, COUNT(bads));
}

static void after_the_json_only_white_space_may_follow(void **state)
{
    static const struct bad bads[] = {
        {"{\"active_jobs\":3}x", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3}{\"active_jobs\":4}", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3} ]", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3}\v", SOURCE_WRONG_FORM, ""},
        {"{\"active_jobs\":3}\n<!-- -->", SOURCE_WRONG_FORM, ""},
    };
    static const char nul[] = "{\"active_jobs\":3}\0";

    (void)state;
    check_good("{\"active_jobs\":3} \t\r\n", POINTERS, 3);
    check_all_bad(bads, COUNT(bads));
    assert_int_equal(reading_of(nul, sizeof(nul) - 1, POINTERS).outcome, SOURCE_WRONG_FORM);
    assert_int_equal(reading_of(nul, sizeof(nul), POINTERS).outcome, SOURCE_WRONG_FORM);
}

static void a_name_used_twice_has_its_first_value(void **state)
{
    (void)state;
    check_good("{\"active_jobs\":3,\"active_jobs\":4}", POINTERS, 3);
}

static void invalid_utf_8_is_harmless_in_strings_and_refused_elsewhere(void **state)
{
    static const struct bad bads[] = {
        {"\xff\xfe{\"active_jobs\":3}", SOURCE_WRONG_FORM, "starting \"??{"},
        {"\xc3\x28", SOURCE_WRONG_FORM, "starting \"?(\""},
        {"{\"active_jobs\":3\x80}", SOURCE_WRONG_FORM, "\"active_jobs\":3?}"},
    };

    (void)state;
    check_good("{\"model\":\"\xff\xc3\",\"\x80\":1,\"active_jobs\":3}", POINTERS, 3);
    check_all_bad(bads, COUNT(bads));
}

/* `count` times `open`, then `count` times `close`. */
static struct source_reading reading_of_nesting(const char *open, const char *close, size_t count)
{
    size_t size = count * (strlen(open) + strlen(close));
    char *body = malloc(size + 1);

    assert_non_null(body);
    char *at = body;
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, open);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, close);
    struct source_reading reading = reading_of(body, (size_t)(at - body), POINTERS);
    free(body);
    return reading;
}

static void a_hundred_thousand_levels_of_nesting_are_refused(void **state)
{
    (void)state;
    assert_int_equal(reading_of_nesting("[", "]", 100000).outcome, SOURCE_WRONG_FORM);
    assert_int_equal(reading_of_nesting("[", "", 100000).outcome, SOURCE_WRONG_FORM);
    assert_int_equal(reading_of_nesting("{\"a\":", "}", 100000).outcome, SOURCE_WRONG_FORM);
    assert_int_equal(reading_of_nesting("[", "]", 100).outcome, SOURCE_NO_COUNT);
}

static void a_body_of_one_mebibyte_is_read(void **state)
{
    static const char head[] = "{\"active_jobs\":3,\"x\":\"";
    static const char tail[] = "\"}";
    char *body = malloc(BODY_MAX + 1);

    (void)state;
    assert_non_null(body);
    memset(body, 'x', BODY_MAX);
    memcpy(body, head, sizeof(head) - 1);
    memcpy(body + BODY_MAX - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    struct source_reading reading = reading_of(body, BODY_MAX, POINTERS);
    assert_int_equal(reading.outcome, SOURCE_COUNTED);
    assert_int_equal(reading.jobs, 3);
    memset(body, ' ', BODY_MAX);
    assert_int_equal(reading_of(body, BODY_MAX, POINTERS).outcome, SOURCE_WRONG_FORM);
    free(body);
}

static void a_body_cut_short_is_not_json(void **state)
{
    static const char body[] = "{\"status\":\"h\\u00e4\\\"\",\"a\":[1,null,{\"b\":true}],"
                               "\"concurrency\":{\"active_transcriptions\":12}}";

    (void)state;
    check_good(body, POINTERS, 12);
    for (size_t length = 0; length < strlen(body); length++) {
        if (reading_of(body, length, POINTERS).outcome != SOURCE_WRONG_FORM)
            fail_msg("the first %zu bytes are not refused", length);
    }
}

static void json_is_found_by_its_name(void **state)
{
    (void)state;
    assert_ptr_equal(preset_find("json")->source, &source_json);
    assert_string_equal(source_json.name, "json");
    assert_null(preset_find("JSON"));
    assert_null(preset_find(""));
}

/* The variable JOBS_FIELD refuses what is refused here: more cases are in test_option_value.c. */
static void a_locator_is_a_list_of_json_pointers(void **state)
{
    static const char *const good[] = {"/a", "/", "/a~0b~1c", "/a b,/0/x", POINTERS, SIXTEEN};
    static const char *const bad[] = {"",     "a",    ",",  "/a,",  ",/a",       "/a,,/b",
                                      "/a~2", "/a~,", "/~", "/a\t", "/a\x1f,/b", SEVENTEEN};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_case(good[i], source_json.check_locator(good[i]) == NULL);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_case(bad[i], source_json.check_locator(bad[i]) != NULL);
    assert_contains(source_json.check_locator("a"), "at most 16 JSON Pointers");
}

static void a_detail_is_printable_and_bounded(void **state)
{
    char shown[SOURCE_DETAIL_MAX * 2];
    struct source_reading reading =
        source_failed(SOURCE_NO_COUNT, "a\nb\rc\td\x1b[1m\x7f\xc3\xa4 %d%%", 5);

    (void)state;
    assert_int_equal(reading.outcome, SOURCE_NO_COUNT);
    assert_int_equal(reading.jobs, 0);
    assert_string_equal(reading.detail, "a?b?c?d?[1m??? 5%");
    memset(shown, 'x', sizeof(shown));
    shown[sizeof(shown) - 1] = '\0';
    reading = source_failed(SOURCE_WRONG_FORM, "%s", shown);
    assert_int_equal(strlen(reading.detail), SOURCE_DETAIL_MAX - 1);
}

/* --- Sums and the step "*" --- */

#define ROWS                                                                                       \
    "{\"loads\":[{\"run\":2,\"wait\":1},{\"run\":3,\"wait\":0}],\"slots\":[{\"busy\":true},"       \
    "{\"busy\":false},{\"busy\":true}],\"jobs\":{\"a\":{\"n\":1},\"b\":{\"n\":4}},\"flags\":{"     \
    "\"x\":true,"                                                                                  \
    "\"y\":false},\"deep\":[[1,2],[3]],\"none\":[],\"nobody\":{},\"odd\":[1,null],\"less\":[1,-1]" \
    ","                                                                                            \
    "\"halves\":[0.5,0.5],\"yes\":true,\"a+\":{\"b\":40},\"a\":1,\"b\":2,\"*\":50,\"some\":[{"     \
    "\"n\":1},"                                                                                    \
    "{}],\"text\":\"x\"}"

static void sums_and_stars_are_added_up(void **state)
{
    static const struct {
        const char *locator;
        unsigned jobs;
    } cases[] = {
        {"/loads/*/run", 5},
        {"/loads/*/run+/loads/*/wait", 6},
        {"/loads/*/run + /loads/*/wait", 6},
        {"/slots/*/busy", 2},
        {"/jobs/*/n", 5},
        {"/flags/*", 1},
        {"/deep/*/*", 6},
        {"/deep/*/0", 4},
        {"/deep/0/*", 3},
        {"/none/*", 0},
        {"/none/*/n", 0},
        {"/nobody/*", 0},
        {"/halves/*", 1},
        {"/a+/loads/0/run", 3},
        {"/absent/*,/a", 1},
        {"/absent+/a,/b", 2},
        {"/text/*,/b", 2}, /* there is nothing in a text */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_case(cases[i].locator, source_json.check_locator(cases[i].locator) == NULL);
        check_good(ROWS, cases[i].locator, cases[i].jobs);
    }
}

/* What a value of JOBS_FIELD meant, it means. */
static void a_name_may_have_a_plus_or_be_a_star(void **state)
{
    (void)state;
    check_good(ROWS, "/a+/b", 40);
    check_good(ROWS, "/*", 50);
    check_good("{\"a\":1,\"b\":2}", "/a+/b", 3);
    check_good("{\"a+b\":7}", "/a+b", 7);
}

static void what_a_star_leads_to_must_all_be_numbers_or_truths(void **state)
{
    static const struct {
        const char *locator;
        enum source_outcome outcome;
        const char *detail;
    } cases[] = {
        {"/odd/*", SOURCE_BAD_COUNT, "/odd/* isn't a number"},
        {"/less/*", SOURCE_BAD_COUNT, "/less/* is -1"},
        {"/a+/less/*", SOURCE_BAD_COUNT, "/less/* is -1"},
        {"/loads/*", SOURCE_BAD_COUNT, "/loads/* isn't a number"},
        {"/halves/0", SOURCE_BAD_COUNT, "/halves/0 is 0.5"},
        {"/yes", SOURCE_BAD_COUNT, "/yes isn't a number"},
        {"/some/*/n", SOURCE_NO_COUNT, "nothing at /some/*/n"},
        {"/a/*", SOURCE_NO_COUNT, "nothing at /a/*"},
        {"/absent+/a", SOURCE_NO_COUNT, "nothing at /absent+/a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct source_reading reading = reading_of(ROWS, strlen(ROWS), cases[i].locator);
        assert_case(cases[i].locator, reading.outcome == cases[i].outcome);
        assert_case_text(cases[i].locator, reading.detail, cases[i].detail);
    }
}

static void of_servers_that_always_have_rows_none_is_no_count(void **state)
{
    (void)state;
    assert_int_equal(source_json_rows.read(ROWS, strlen(ROWS), "/none/*").outcome, SOURCE_NO_COUNT);
    assert_int_equal(source_json_rows.read(ROWS, strlen(ROWS), "/loads/*/run").jobs, 5);
}

static void a_sum_has_sixteen_pointers_at_most(void **state)
{
    (void)state;
    assert_null(
        source_json.check_locator("/1+/2+/3+/4+/5+/6+/7+/8,/9+/10+/11+/12+/13+/14+/15+/16"));
    assert_non_null(
        source_json.check_locator("/1+/2+/3+/4+/5+/6+/7+/8,/9+/10+/11+/12+/13+/14+/15+/16+/17"));
    assert_non_null(source_json.check_locator("/a+/~2"));
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
        cmocka_unit_test(json_is_found_by_its_name),
        cmocka_unit_test(a_locator_is_a_list_of_json_pointers),
        cmocka_unit_test(sums_and_stars_are_added_up),
        cmocka_unit_test(a_name_may_have_a_plus_or_be_a_star),
        cmocka_unit_test(what_a_star_leads_to_must_all_be_numbers_or_truths),
        cmocka_unit_test(of_servers_that_always_have_rows_none_is_no_count),
        cmocka_unit_test(a_sum_has_sixteen_pointers_at_most),
    };

    return cmocka_run_group_tests_name("source_json", tests, NULL, NULL);
}
