#include "helper.h"
#include "instances/check_result.h"

/* A source that has read its locator's first digit, as an outcome, and so many jobs as bytes. */
static struct source_reading read_outcome(const char *bytes, size_t length, const char *locator)
{
    struct source_reading reading = {.outcome = (enum source_outcome)(locator[0] - '0'),
                                     .jobs = (unsigned)length};

    snprintf(reading.detail, sizeof(reading.detail), "%s", bytes);
    return reading;
}

static void a_check_result_says_what_was_read(void **state)
{
    static const struct source source = {.name = "test", .read = read_outcome};
    static const enum check_reason reasons[] = {
        [SOURCE_COUNTED] = CHECK_PASSED,
        [SOURCE_WRONG_FORM] = CHECK_NOT_JSON,
        [SOURCE_NO_COUNT] = CHECK_NO_JOB_COUNT,
        [SOURCE_BAD_COUNT] = CHECK_BAD_JOB_COUNT,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(reasons); i++) {
        const char locator[] = {(char)('0' + i), '\0'};
        struct check_result result = check_result_from_body(&source, locator, "why", 3);
        assert_int_equal(result.reason, reasons[i]);
        assert_int_equal(result.active_jobs, 3);
        assert_string_equal(result.detail, "why");
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
        cmocka_unit_test(a_check_result_says_what_was_read),
        cmocka_unit_test(a_detail_is_printable_and_bounded),
        cmocka_unit_test(every_reason_has_a_text_and_a_label_of_its_own),
    };

    return cmocka_run_group_tests_name("check_result", tests, NULL, NULL);
}
