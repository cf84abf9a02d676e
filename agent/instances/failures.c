#include "instances/failures.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void failures_add(struct failures *failures, enum failure_kind kind, unsigned number,
                  const struct timespec *at, const char *format, ...)
{
    struct failure *failure = &failures->latest[failures->count++ % FAILURES_MAX];
    va_list arguments;

    *failure = (struct failure){.at = *at, .number = number, .kind = kind};
    va_start(arguments, format);
    vsnprintf(failure->message, sizeof(failure->message), format, arguments);
    va_end(arguments);
}

static const char *one_or_more(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void failures_note_jobs(struct failures *failures, unsigned number, const struct tally_news *news,
                        const struct timespec *at)
{
    if (news->failed_answers > 0)
        failures_add(failures, FAILURE_OF_JOB, number, at,
                     "answered %" PRIu64 " job%s with a status of 5xx", news->failed_answers,
                     one_or_more(news->failed_answers));
    if (news->failed_responses > 0)
        failures_add(failures, FAILURE_OF_JOB, number, at,
                     "%" PRIu64 " response%s didn't come or broke off", news->failed_responses,
                     one_or_more(news->failed_responses));
    if (news->failed_connections > 0)
        failures_add(failures, FAILURE_OF_JOB, number, at,
                     "%" PRIu64 " connection%s failed: sent elsewhere", news->failed_connections,
                     one_or_more(news->failed_connections));
}

const struct failure *failures_get(const struct failures *failures, size_t index)
{
    if (index >= FAILURES_MAX || index >= failures->count)
        return NULL;
    return &failures->latest[(failures->count - 1 - index) % FAILURES_MAX];
}
