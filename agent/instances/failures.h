#ifndef LEASTJOBS_FAILURES_H
#define LEASTJOBS_FAILURES_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "instances/tally.h"

/* The latest failures of all instances, for people to look at. A plain value, at first zeros. */

#define FAILURES_MAX 50
#define FAILURE_MESSAGE_MAX 280

enum failure_kind {
    FAILURE_OF_JOB,   /* a job's response, or a connection for one */
    FAILURE_OF_CHECK, /* a health check */
};

struct failure {
    struct timespec at; /* wall clock: when it was seen */
    unsigned number;    /* the instance's */
    enum failure_kind kind;
    char message[FAILURE_MESSAGE_MAX];
};

struct failures {
    struct failure latest[FAILURES_MAX]; /* a ring */
    uint64_t count;                      /* of all that there ever were */
};

/* The oldest makes room. What doesn't fit of the message is left out. */
void failures_add(struct failures *failures, enum failure_kind kind, unsigned number,
                  const struct timespec *at, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* What became of an instance's jobs: one for each way to fail. */
void failures_note_jobs(struct failures *failures, unsigned number, const struct tally_news *news,
                        const struct timespec *at);

/* The latest has the index 0; NULL behind the last. */
const struct failure *failures_get(const struct failures *failures, size_t index);

#endif
