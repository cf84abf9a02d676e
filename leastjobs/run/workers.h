#ifndef LEASTJOBS_WORKERS_H
#define LEASTJOBS_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What HAProxy's master and its workers answer, read. Pure. */

/* An old worker goes on as long as its jobs run: of more than so many the others aren't seen. */
#define WORKERS_MAX 256

/* The master's `show proc`. */
struct workers {
    pid_t master; /* 0: that wasn't understood */
    unsigned long reloads;
    unsigned long failed_reloads; /* in a row */
    pid_t current;                /* 0: there is none */
    pid_t all[WORKERS_MAX];       /* the current one too */
    size_t count;
};
void workers_parse(struct workers *workers, const char *answer);

/* Open jobs, from the answer to `show stat farm 4 -1`. */
unsigned long workers_count_jobs(const char *answer);

/*
 * A session of a client in the answer to `show sess`, "0x55d96e1b5a00", and where the next one is
 * looked for; NULL if there is none.
 */
#define SESSION_MAX 24
const char *workers_next_session(const char *answer, char *session);

#endif
