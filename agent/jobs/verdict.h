#ifndef LEASTJOBS_VERDICT_H
#define LEASTJOBS_VERDICT_H

#include <stddef.h>

/*
 * What instances say who don't give what was asked for, and what that makes together. A plain
 * value; zeros are the beginning, verdict_free() the end. Pure.
 */

/* So many of them are named. */
#define VERDICT_NAMED_MAX 32
#define VERDICT_REASON_MAX 160

struct verdict {
    size_t unknown; /* those who don't know it: status 404 or 410 */
    size_t refused; /* those who answered another 4xx, and all the same so far */
    long status;    /* that one */
    size_t missing; /* those who couldn't be asked, or said anything else */
    struct {
        unsigned number;
        char reason[VERDICT_REASON_MAX];
    } named[VERDICT_NAMED_MAX]; /* the first of the missing and of the refusing */
    size_t named_count;
};

void verdict_add_status(struct verdict *verdict, unsigned number, long status);
void verdict_add_failure(struct verdict *verdict, unsigned number, const char *reason);

/* 404 if nobody knows it, their own status if all refuse alike, else 503. */
int verdict_status(const struct verdict *verdict);

/* The body for it, in JSON: `detail`, and who is missing. The caller frees it. */
char *verdict_body(const struct verdict *verdict);

/* [{"name": …, "error": …}, …]: the missing. The caller frees it. */
char *verdict_missing(const struct verdict *verdict);

#endif
