#ifndef LEASTJOBS_STATE_H
#define LEASTJOBS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "config.h"
#include "sample.h"

/* "reason: detail". */
#define STATE_ERROR_MAX (SAMPLE_DETAIL_MAX + 80)

/* What is known of one instance. */
struct state {
    unsigned number;
    char *url;
    bool checked;                /* by at least one health check since it was configured */
    bool healthy;                /* also before the first check: healthy until proven otherwise */
    bool drained;                /* by HAProxy's operator */
    unsigned active_jobs;        /* as last reported */
    unsigned external_jobs;      /* those of them that HAProxy can't see */
    unsigned in_flight;          /* requests that HAProxy had open when it was last asked */
    unsigned server_id;          /* HAProxy's, for asking about it alone; 0: not known */
    unsigned failures;           /* in a row */
    struct timespec last_check;  /* wall clock; 0 before the first */
    int64_t changed_ms;          /* monotonic: since when it is healthy or unhealthy */
    unsigned check_ms;           /* how long the last check took */
    char error[STATE_ERROR_MAX]; /* of the last check; "" if it passed */
    uint64_t passed;             /* checks, ever */
    uint64_t failed[CHECK_REASON_COUNT];
    uint64_t missed; /* checks that were due while one was still under way */
};

/* All instances, in the order of their numbers. Owns the states. */
struct farm {
    struct state *states;
    size_t count;
};

/* When something happened, on both clocks. */
struct moment {
    struct timespec wall;
    int64_t monotonic_ms;
};

enum state_change { STATE_UNCHANGED, STATE_BECAME_UNHEALTHY, STATE_BECAME_HEALTHY };

/*
 * A new farm for a configuration. What `previous` (or NULL) knows of an instance with the same
 * number and URL is taken over. The caller releases it with farm_free().
 */
struct farm *farm_new(const struct config *config, const struct farm *previous,
                      const struct moment *now);
void farm_free(struct farm *farm);

/* NULL if there is no such instance. */
struct state *farm_find(const struct farm *farm, unsigned number);
size_t farm_count_healthy(const struct farm *farm);

/*
 * The end of every health check: counts failures, decides health, and subtracts what HAProxy
 * itself has open (state->in_flight must be as of now) from what the instance reported.
 */
enum state_change state_apply(struct state *state, const struct sample *sample,
                              unsigned unhealthy_after, const struct moment *now);

/* In flight plus external jobs: what the routing rules compare, but for jobs just accepted. */
unsigned state_load(const struct state *state);

#endif
