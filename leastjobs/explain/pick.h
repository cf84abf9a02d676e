#ifndef LEASTJOBS_PICK_H
#define LEASTJOBS_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the rules in backend farm (genconf/haproxy.cfg.in, "The pick") compute for the next job, by
 * the same numbers in the same units. Pure.
 */

/* What HAProxy has of an instance. */
struct candidate {
    unsigned number;
    bool is_up;         /* srv_is_up() */
    unsigned weight;    /* srv_uweight() */
    uint32_t in_flight; /* srv_conn() */
    uint32_t accepted;  /* table jobs, gpc0 */
    uint32_t word;      /* table jobs, gpt0 */
    uint32_t penalty;   /* table failed, gpt0, in jobs */
    uint32_t capacity;  /* where they are compared */
};

enum pick_outcome {
    PICKED, /* it has the least; of several, each job's random number picks one */
    HAS_MORE,
    IS_DOWN,
    HAS_NO_WEIGHT,
    HAS_NO_ROOM, /* a load beyond what the rules count to */
};

struct verdict {
    enum pick_outcome outcome;
    int64_t unseen; /* sixteenths of a job: what HAProxy can't see, as it has been told */
    int64_t load;   /* the same: all that counts */
};

/*
 * A verdict for each candidate. Where capacities are compared, a penalty counts once for each unit
 * of it, and the least (load + 1) / capacity wins, else the least load. Returns how many are
 * PICKED.
 */
size_t pick(const struct candidate *candidates, size_t count, bool compares_capacities,
            struct verdict *verdicts);

/* Of two with verdicts: below 0 if the first one has less of what is compared. */
int pick_compare(const struct candidate *a, const struct verdict *of_a, const struct candidate *b,
                 const struct verdict *of_b, bool compares_capacities);

#endif
