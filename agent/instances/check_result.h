#ifndef LEASTJOBS_CHECK_RESULT_H
#define LEASTJOBS_CHECK_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "sources/source.h"

/* The largest health body that is read. */
#define CHECK_BODY_MAX (1024 * 1024)
#define CHECK_DETAIL_MAX SOURCE_DETAIL_MAX

/* How one health check ended. */
enum check_reason {
    CHECK_PASSED,
    CHECK_CONNECTION_FAILED,
    CHECK_TLS_FAILED,
    CHECK_TIMED_OUT,
    CHECK_BROKEN_RESPONSE,
    CHECK_HTTP_STATUS,
    CHECK_REDIRECT,
    CHECK_BODY_TOO_LARGE,
    CHECK_NOT_JSON,
    CHECK_NOT_METRICS,
    CHECK_NO_JOB_COUNT,
    CHECK_BAD_JOB_COUNT,
    CHECK_BUSY, /* timed out while a job of ours ran there, which is no failure: see instance.h */
    CHECK_REASON_COUNT
};

/* The outcome of one health check: a job count, or why there is none. A plain value. */
struct check_result {
    enum check_reason reason;
    enum counting counting;        /* what active_jobs is: see presets.h */
    unsigned active_jobs;          /* if it passed, and something is reported */
    unsigned capacity;             /* 1 to CAPACITY_MAX, if it passed and one was read, else 0 */
    bool lacks_capacity;           /* one was to be read, but there was none */
    bool is_connected;             /* if it failed: the port took a new connection */
    char detail[CHECK_DETAIL_MAX]; /* "" or what more is known, printable ASCII */
};

/* "connection failed" and so on; and as a metric's label, "connection_failed". */
const char *check_reason_text(enum check_reason reason);
const char *check_reason_label(enum check_reason reason);

/* What a source reads out of a health body. */
struct check_result check_result_from_body(const struct source *source, const char *locator,
                                           const char *body, size_t length);

/*
 * What the answer to an instance's load request says, or its health request's, if that is all that
 * it is asked.
 */
struct check_result check_result_from_answer(const struct instance_config *instance,
                                             const char *body, size_t length);

/* A failed check. `format` as in printf(3); what isn't printable is replaced. */
struct check_result check_result_failed(enum check_reason reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds to the detail what there is room for. */
void check_result_append(struct check_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
