#include "instances/check_result.h"

#include <stdarg.h>
#include <string.h>

#include "printable.h"

static const struct {
    const char *text;
    const char *label;
} reasons[CHECK_REASON_COUNT] = {
    [CHECK_PASSED] = {"passed", "passed"},
    [CHECK_CONNECTION_FAILED] = {"connection failed", "connection_failed"},
    [CHECK_TLS_FAILED] = {"TLS failed", "tls_failed"},
    [CHECK_TIMED_OUT] = {"timed out", "timed_out"},
    [CHECK_BROKEN_RESPONSE] = {"broken response", "broken_response"},
    [CHECK_HTTP_STATUS] = {"unexpected HTTP status", "http_status"},
    [CHECK_REDIRECT] = {"redirect, which isn't followed", "redirect"},
    [CHECK_BODY_TOO_LARGE] = {"body too large", "body_too_large"},
    [CHECK_NOT_JSON] = {"body isn't JSON", "not_json"},
    [CHECK_NO_JOB_COUNT] = {"no job count in the body", "no_job_count"},
    [CHECK_BAD_JOB_COUNT] = {"job count isn't a whole number from 0 to 1000000", "bad_job_count"},
};

const char *check_reason_text(enum check_reason reason)
{
    return reasons[reason].text;
}

const char *check_reason_label(enum check_reason reason)
{
    return reasons[reason].label;
}

struct check_result check_result_failed(enum check_reason reason, const char *format, ...)
{
    struct check_result result = {.reason = reason};
    va_list arguments;

    va_start(arguments, format);
    printable_format(result.detail, sizeof(result.detail), format, arguments);
    va_end(arguments);
    return result;
}

struct check_result check_result_from_body(const struct source *source, const char *locator,
                                           const char *body, size_t length)
{
    static const enum check_reason reason_of[] = {
        [SOURCE_COUNTED] = CHECK_PASSED,
        [SOURCE_WRONG_FORM] = CHECK_NOT_JSON,
        [SOURCE_NO_COUNT] = CHECK_NO_JOB_COUNT,
        [SOURCE_BAD_COUNT] = CHECK_BAD_JOB_COUNT,
    };
    struct source_reading reading = source->read(body, length, locator);
    struct check_result result = {.reason = reason_of[reading.outcome],
                                  .active_jobs = reading.jobs};

    memcpy(result.detail, reading.detail, sizeof(result.detail));
    return result;
}
