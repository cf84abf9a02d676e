#include "instances/check_result.h"

#include <stdarg.h>
#include <string.h>

#include "printable.h"
#include "sources/source_prometheus.h"

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
    [CHECK_NOT_METRICS] = {"body isn't Prometheus' text format", "not_metrics"},
    [CHECK_NO_JOB_COUNT] = {"no job count in the body", "no_job_count"},
    [CHECK_BAD_JOB_COUNT] = {"job count isn't a whole number from 0 to 1000000", "bad_job_count"},
    [CHECK_BUSY] = {"busy: no answer while it works", "busy"},
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

void check_result_append(struct check_result *result, const char *format, ...)
{
    size_t length = strlen(result->detail);
    va_list arguments;

    va_start(arguments, format);
    printable_format(result->detail + length, sizeof(result->detail) - length, format, arguments);
    va_end(arguments);
}

struct check_result check_result_from_body(const struct source *source, const char *locator,
                                           const char *body, size_t length)
{
    static const enum check_reason reason_of[] = {
        [SOURCE_COUNTED] = CHECK_PASSED,
        [SOURCE_WRONG_FORM] = CHECK_NOT_JSON, /* of the others, below */
        [SOURCE_NO_COUNT] = CHECK_NO_JOB_COUNT,
        [SOURCE_BAD_COUNT] = CHECK_BAD_JOB_COUNT,
    };
    struct source_reading reading = source->read(body, length, locator);
    struct check_result result = {.reason = reason_of[reading.outcome],
                                  .active_jobs = reading.jobs};

    if (reading.outcome == SOURCE_WRONG_FORM && source == &source_prometheus)
        result.reason = CHECK_NOT_METRICS;
    memcpy(result.detail, reading.detail, sizeof(result.detail));
    return result;
}

/* 0 if there is none. */
static unsigned read_capacity(const struct instance_config *instance, const char *body,
                              size_t length)
{
    struct source_reading reading =
        instance->preset->source->read(body, length, instance->capacity_locator);
    return reading.outcome == SOURCE_COUNTED && reading.jobs <= CAPACITY_MAX ? reading.jobs : 0;
}

struct check_result check_result_from_answer(const struct instance_config *instance,
                                             const char *body, size_t length)
{
    const struct preset *preset = instance->preset;

    if (preset->source == NULL)
        return (struct check_result){.reason = CHECK_PASSED, .counting = preset->counting};
    struct check_result result =
        check_result_from_body(preset->source, instance->locator, body, length);
    result.counting = preset->counting;
    if (result.reason == CHECK_PASSED && instance->capacity_locator != NULL) {
        result.capacity = read_capacity(instance, body, length);
        result.lacks_capacity = result.capacity == 0;
    }
    return result;
}
