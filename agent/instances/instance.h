#ifndef LEASTJOBS_INSTANCE_H
#define LEASTJOBS_INSTANCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "clock.h"
#include "instances/check_result.h"
#include "instances/forecast.h"
#include "instances/server_errors.h"
#include "instances/tally.h"

/* "reason: detail". */
#define INSTANCE_ERROR_MAX (CHECK_DETAIL_MAX + 80)

/* What is known of one instance. Owned by its farm. */
struct instance {
    char *url;
    unsigned number;

    /* By health checks. */
    bool asked;                     /* a check is under way, or was given up by a reload */
    bool checked;                   /* by at least one health check since it was configured */
    bool healthy;                   /* also before the first: healthy until proven otherwise */
    bool lacks_capacity;            /* one was to be read in the last report, but there was none */
    unsigned active_jobs;           /* as last reported */
    unsigned external_jobs;         /* those of them that HAProxy can't see */
    struct forecast forecast;       /* of external_jobs, until the next report */
    uint32_t reported;              /* accepted jobs that the last report can have */
    unsigned failures;              /* in a row, of those that count */
    int64_t failed_ms;              /* monotonic: when the last one that counts began */
    int64_t started_ms;             /* monotonic: when the last check began; 0: none yet */
    struct timespec last_check;     /* wall clock; 0 before the first */
    int64_t passed_ms;              /* monotonic: of the last report, or configured */
    int64_t changed_ms;             /* monotonic: since when it is healthy or unhealthy */
    unsigned check_ms;              /* how long the last check took */
    unsigned capacity;              /* as configured, or as last reported */
    bool compares_capacity;         /* the rules do: penalties are for each unit, see capacity.h */
    bool tells_capacity;            /* to HAProxy, since reports say it */
    bool leaving;                   /* by its configuration: no new jobs, as if drained */
    char error[INSTANCE_ERROR_MAX]; /* of the last check; "" if it passed */
    enum check_reason reason;       /* the same, CHECK_PASSED before the first */
    uint64_t passed;                /* checks, ever */
    uint64_t failed[CHECK_REASON_COUNT];
    uint64_t missed; /* checks that were due while one was still under way */

    /* By HAProxy, when it was last asked. */
    bool drained;                    /* by HAProxy's operator */
    bool maintained;                 /* the same: set to maint */
    bool weighs_nothing;             /* its weight there is 0 */
    unsigned in_flight;              /* requests that are open */
    uint64_t sessions;               /* those that ever were */
    int64_t jobs_failed_ms;          /* monotonic: when failed jobs were last seen to change */
    struct server_counters counters; /* what became of them */
    struct server_errors errors;     /* what is held against it for that */
    struct tally tally;              /* of them, for people */
    unsigned server_id;              /* for asking about it alone; 0: not known */
    uint32_t acceptances;            /* jobs accepted by their answers, ever */
    uint32_t told;                   /* the agent's word in HAProxy's table (see names.h) */
    uint32_t told_capacity;          /* the same of its capacity, less 1 */
    unsigned jobs_penalty;           /* HAProxy's, for jobs that failed */
    uint32_t jobs_failed;            /* in a row, by its table */
    uint32_t jobs_failed_seen;       /* the same as of jobs_failed_ms */
    char address[INET6_ADDRSTRLEN];  /* that HAProxy uses; "" if it isn't known */
};

enum instance_change { INSTANCE_UNCHANGED, INSTANCE_BECAME_UNHEALTHY, INSTANCE_BECAME_HEALTHY };

/* What HAProxy had when a health check began. */
struct check_start {
    unsigned in_flight;
    uint64_t sessions;
    uint32_t acceptances;
    int64_t at_ms; /* monotonic */
};

/* How checks are judged. */
struct check_rules {
    unsigned unhealthy_after;
    unsigned interval_ms; /* one failure counts in each */
};

/*
 * The end of every health check: counts failures, decides health, and subtracts what HAProxy
 * itself has open (the counts of `instance` must be as of now) from what the instance reported. Of
 * the requests that came or went during the check nobody knows whether the report has them:
 * within that doubt the last number of external jobs stands, and the jobs accepted before the check
 * are counted among them. Of one that reports nothing (presets.h) what HAProxy has open is all.
 *
 * One that reports nothing may be unable to answer while it works. If its check timed out, but its
 * port took the connection, and a job of ours is open on it, it is *busy* (CHECK_BUSY): that is no
 * failure that counts, but it is picked last until it answers.
 */
enum instance_change instance_apply(struct instance *instance, const struct check_result *result,
                                    const struct check_start *start,
                                    const struct check_rules *rules, const struct moment *now);

/* Looks at HAProxy's counters, which have just been read (see server_errors.h and tally.h). */
struct tally_news instance_see_counters(struct instance *instance, int64_t now_ms);

/*
 * HAProxy is a new process: what the old one had open, or had accepted, goes on, and the new one
 * doesn't know of it. To be called before its counts are noted.
 */
void instance_inherit(struct instance *instance);

/* Whether it gets no new jobs because somebody said so: HAProxy's operator or its configuration. */
bool instance_is_drained(const struct instance *instance);
/* Whether the rules may pick it: healthy, and not withdrawn by HAProxy's operator. */
bool instance_takes_jobs(const struct instance *instance);

/* Jobs accepted since the last report, or while it was made. */
unsigned instance_accepted(const struct instance *instance);

/*
 * What the instance's latest failures count as: HAProxy's penalty for jobs, the one for failed
 * connections and responses, and one for a health check that failed, which puts it behind all
 * others until the next one. In jobs: where capacities are compared, once for each unit of its own.
 */
unsigned instance_penalty(const struct instance *instance);

/*
 * In flight, expected external and accepted jobs, and penalty: what the routing rules compare, by
 * capacity if those are compared.
 */
unsigned instance_load(const struct instance *instance);

/* What is to be told to HAProxy's table (see names.h). */
uint32_t instance_word(const struct instance *instance);

#endif
