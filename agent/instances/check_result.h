#ifndef LEASTJOBS_CHECK_RESULT_H
#define LEASTJOBS_CHECK_RESULT_H

#include <stdbool.h>
#include <stddef.h>

/* The largest health body that is read. */
#define CHECK_BODY_MAX (1024 * 1024)
/* More jobs than this on one instance are taken for nonsense. */
#define JOBS_MAX 1000000
#define CHECK_DETAIL_MAX 160

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
    CHECK_NO_JOB_COUNT,
    CHECK_BAD_JOB_COUNT,
    CHECK_REASON_COUNT
};

/* The outcome of one health check: a job count, or why there is none. A plain value. */
struct check_result {
    enum check_reason reason;
    unsigned active_jobs;          /* if it passed */
    char detail[CHECK_DETAIL_MAX]; /* "" or what more is known, printable ASCII */
};

/* "connection failed" and so on; and as a metric's label, "connection_failed". */
const char *check_reason_text(enum check_reason reason);
const char *check_reason_label(enum check_reason reason);

/*
 * Reads the job count out of a health body: JSON (RFC 8259), at the first of `pointers` (JSON
 * Pointers, RFC 6901, separated by commas) that leads to something. It must be a whole number
 * from 0 to JOBS_MAX.
 */
struct check_result check_result_from_body(const char *body, size_t length, const char *pointers);

/* A failed check. `format` as in printf(3); what isn't printable is replaced. */
struct check_result check_result_failed(enum check_reason reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
