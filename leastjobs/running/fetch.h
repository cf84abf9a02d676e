#ifndef LEASTJOBS_FETCH_H
#define LEASTJOBS_FETCH_H

#include <stddef.h>

/* More than the answer about INSTANCES_MAX instances has. */
#define FETCH_BODY_MAX (64U << 20)
/* It answers from memory: who waits for one that hangs waits in vain. */
#define FETCH_TIMEOUT_MS 3000L
#define FETCH_PROBLEM_MAX 256

/*
 * GET of a URL of ours, through no proxy. Returns its body, if the status is 200, ended by a NUL
 * that isn't counted, for the caller to free(); else NULL, with what was wrong in `problem`.
 */
char *fetch_get(const char *url, size_t *length, char problem[FETCH_PROBLEM_MAX]);

#endif
