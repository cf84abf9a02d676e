#include "instances/check_result.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sources/json_pointer.h"

/* How much of a body that isn't JSON a message shows. */
#define BODY_SHOWN_MAX 40

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
    vsnprintf(result.detail, sizeof(result.detail), format, arguments);
    va_end(arguments);
    for (char *c = result.detail; *c != '\0'; c++) {
        if (*c < 0x20 || *c >= 0x7f)
            *c = '?';
    }
    return result;
}

static struct check_result check_result_from_item(const cJSON *item, const char *pointer,
                                                  int length)
{
    if (!cJSON_IsNumber(item))
        return check_result_failed(CHECK_BAD_JOB_COUNT, "%.*s isn't a number", length, pointer);
    double value = item->valuedouble;
    /* Written so that NaN fails too. */
    if (!(value >= 0 && value <= JOBS_MAX) || floor(value) != value)
        return check_result_failed(CHECK_BAD_JOB_COUNT, "%.*s is %g", length, pointer, value);
    return (struct check_result){.reason = CHECK_PASSED, .active_jobs = (unsigned)value};
}

static struct check_result check_result_from_json(const cJSON *root, const char *pointers)
{
    const char *pointer = pointers;

    while (*pointer != '\0') {
        size_t length = strcspn(pointer, ",");
        const cJSON *item = json_pointer_find(root, pointer, length);
        if (item != NULL)
            return check_result_from_item(item, pointer, (int)length);
        pointer += length + (pointer[length] == ',');
    }
    return check_result_failed(CHECK_NO_JOB_COUNT, "nothing at %s", pointers);
}

/* cJSON stops after the first value: what follows it may only be white space (RFC 8259). */
static bool only_white_space(const char *at, const char *end)
{
    while (at < end && *at != '\0' && strchr(" \t\r\n", *at) != NULL)
        at++;
    return at == end;
}

struct check_result check_result_from_body(const char *body, size_t length, const char *pointers)
{
    const char *end = NULL;
    struct check_result result;

    cJSON *root = cJSON_ParseWithLengthOpts(body, length, &end, 0);
    if (root == NULL || !only_white_space(end, body + length))
        result = check_result_failed(CHECK_NOT_JSON, "%zu bytes, starting \"%.*s\"", length,
                                     length < BODY_SHOWN_MAX ? (int)length : BODY_SHOWN_MAX, body);
    else
        result = check_result_from_json(root, pointers);
    cJSON_Delete(root);
    return result;
}
