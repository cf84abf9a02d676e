#ifndef LEASTJOBS_SERVER_ERRORS_H
#define LEASTJOBS_SERVER_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What is held against an instance for failed connections and broken responses. HAProxy counts
 * them for each server, but its rules don't see them. A plain value; zero-initialise it.
 */

/* HAProxy's counters of a server, ever, by its process. */
struct server_counters {
    uint64_t failed_connections;
    uint64_t failed_responses;
    uint64_t failed_answers; /* responses of status 5xx */
    uint64_t successes;      /* responses of status 2xx */
};

struct server_errors {
    bool is_known;               /* the counters have been looked at in this process of HAProxy */
    struct server_counters seen; /* the counters when they were last looked at */
    unsigned penalty;            /* 2^k - 1 after k in a row, as far as anybody can tell */
    bool is_held;                /* it counts now */
    int64_t latest_ms;           /* monotonic: when the latest was seen */
};

/*
 * Looks at the counters. What a process counted before the first look is nobody's latest; later
 * errors are held for SERVER_ERRORS_MS after the latest, or until jobs have succeeded since; longer
 * if they follow each other, up to SERVER_ERRORS_MAX_MS.
 */
#define SERVER_ERRORS_MS 10000
#define SERVER_ERRORS_MAX_MS 60000
void server_errors_see(struct server_errors *errors, const struct server_counters *counters,
                       int64_t now_ms);

/* What they count as now, in jobs; 0: nothing is held. */
unsigned server_errors_penalty(const struct server_errors *errors);

void server_errors_forgive(struct server_errors *errors);

/* HAProxy is another process, with counters of its own. What is held stays. */
void server_errors_expect_process(struct server_errors *errors);

#endif
