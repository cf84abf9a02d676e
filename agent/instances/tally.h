#ifndef LEASTJOBS_TALLY_H
#define LEASTJOBS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "instances/server_errors.h"

/*
 * What people want to know of an instance's jobs over time: how many a minute, and how many have
 * failed. By HAProxy's counters, which begin at 0 with each of its processes. A plain value;
 * zero-initialise it.
 */

/* The last minute, in slots; the first of them is the present one, and not over. */
#define TALLY_SLOTS 12
#define TALLY_SLOT_MS 5000

struct tally {
    bool is_known;               /* the counters have been looked at */
    uint64_t sessions_seen;      /* as of the last look */
    struct server_counters seen; /* the same */
    uint64_t failed_jobs;        /* answers of status 5xx, and responses that broke off */
    int64_t since_ms;            /* monotonic: the first look */
    int64_t slot;                /* number of the present one, since the clock's beginning */
    int32_t sent[TALLY_SLOTS];   /* jobs; below 0 if earlier ones turned out not to get there */
};

/* What became of jobs between two looks. */
struct tally_news {
    uint64_t failed_connections; /* their jobs were sent elsewhere */
    uint64_t failed_responses;
    uint64_t failed_answers;
};

/*
 * Looks at the counters; `sessions`: requests so far. What a process counted before the first look
 * is no news, and was at no minute that we know of, but its failed jobs are counted.
 */
struct tally_news tally_see(struct tally *tally, uint64_t sessions,
                            const struct server_counters *counters, int64_t now_ms);

/*
 * Jobs that HAProxy sent there and that were connected, in the last minute; if less time has been
 * watched, as many as that makes in a minute.
 */
double tally_per_minute(const struct tally *tally, int64_t now_ms);

#endif
