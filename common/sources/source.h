#ifndef LEASTJOBS_SOURCE_H
#define LEASTJOBS_SOURCE_H

#include <stddef.h>

/*
 * A source is a way to read how many jobs an instance has out of bytes that it sent: the form of
 * these bytes, such as JSON, and what a locator is, which says where in them the count stands.
 * Pure: bytes in, a count or a reason out. Nothing here knows who fetched the bytes, or what
 * becomes of the count.
 *
 * A new one is a file with its struct source, and a row in the table of presets.c, which names it.
 */

/* More jobs than this on one instance are taken for nonsense. */
#define JOBS_MAX 1000000
#define SOURCE_DETAIL_MAX 160

enum source_outcome {
    SOURCE_COUNTED,
    SOURCE_WRONG_FORM, /* the bytes aren't what this source reads */
    SOURCE_NO_COUNT,   /* nothing is where the locator leads */
    SOURCE_BAD_COUNT,  /* what is there isn't a whole number from 0 to JOBS_MAX */
};

/* What was read. A plain value. */
struct source_reading {
    enum source_outcome outcome;
    unsigned jobs;                  /* if counted, else 0 */
    char detail[SOURCE_DETAIL_MAX]; /* "" if counted, else what more is known, printable ASCII */
};

struct source {
    const char *name;
    /* NULL, or what was expected, in words. A text of any bytes but NUL. */
    const char *(*check_locator)(const char *locator);
    /* `locator` has passed the check; `length` is the caller's to bound. */
    struct source_reading (*read)(const char *bytes, size_t length, const char *locator);
};

/* For sources. `format` as in printf(3), for the detail; what isn't printable is replaced. */
struct source_reading source_failed(enum source_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A count, if `value` is one; `name`, of `length` bytes, is what is said of it if not. */
struct source_reading source_counted(double value, const char *name, size_t length);

#endif
