#ifndef LEASTJOBS_INSTANCE_H
#define LEASTJOBS_INSTANCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "checks/check_result.h"
#include "config.h"
#include "instances/forecast.h"

/* "reason: detail". */
#define INSTANCE_ERROR_MAX (CHECK_DETAIL_MAX + 80)

/* Failed connections and broken responses, which HAProxy's rules don't see. */
struct instance_errors {
    bool is_known;        /* the counters have been looked at in this process of HAProxy */
    uint64_t connections; /* the counters when they were last looked at */
    uint64_t responses;
    uint64_t successes;
    unsigned penalty;  /* 2^k - 1 after k in a row, as far as anybody can tell */
    bool is_held;      /* it counts now */
    int64_t latest_ms; /* monotonic: when the latest was seen */
};

/* What is known of one instance. */
struct instance {
    unsigned number;
    char *url;
    bool asked;                  /* a check is under way, or was given up by a reload */
    bool checked;                /* by at least one health check since it was configured */
    bool healthy;                /* also before the first check: healthy until proven otherwise */
    bool drained;                /* by HAProxy's operator */
    bool maintained;             /* the same: set to maint */
    unsigned active_jobs;        /* as last reported */
    unsigned external_jobs;      /* those of them that HAProxy can't see */
    struct forecast forecast;    /* of external_jobs, until the next report */
    unsigned in_flight;          /* requests that HAProxy had open when it was last asked */
    uint64_t sessions;           /* those that it had ever opened */
    uint64_t failed_connections; /* HAProxy's counters of this server */
    uint64_t failed_responses;
    uint64_t successes;             /* responses of status 2xx */
    struct instance_errors errors;  /* what is held against it by them */
    unsigned server_id;             /* HAProxy's, for asking about it alone; 0: not known */
    uint32_t acceptances;           /* jobs accepted by their answers, ever, by HAProxy's count */
    uint32_t reported;              /* those of them that the last report can have */
    uint32_t told;                  /* the agent's word in HAProxy's table (see names.h) */
    unsigned jobs_penalty;          /* HAProxy's, for jobs that failed */
    char address[INET6_ADDRSTRLEN]; /* that HAProxy uses; "" if it isn't known */
    unsigned failures;              /* in a row, of those that count */
    int64_t failed_ms;              /* monotonic: when the last one that counts began */
    int64_t started_ms;             /* monotonic: when the last check began; 0: none yet */
    struct timespec last_check;     /* wall clock; 0 before the first */
    int64_t changed_ms;             /* monotonic: since when it is healthy or unhealthy */
    unsigned check_ms;              /* how long the last check took */
    char error[INSTANCE_ERROR_MAX]; /* of the last check; "" if it passed */
    enum check_reason reason;       /* the same, CHECK_PASSED before the first */
    uint64_t passed;                /* checks, ever */
    uint64_t failed[CHECK_REASON_COUNT];
    uint64_t missed; /* checks that were due while one was still under way */
};

/* All instances, in the order of their numbers. Owns them. */
struct farm {
    struct instance *instances;
    size_t count;
    int64_t busy_ms;    /* monotonic: when jobs of ours were last seen; 0: never */
    bool is_async;      /* some of them were asynchronous, and external ones are still reported */
    bool is_inherited;  /* jobs of an old HAProxy process may be among the external ones */
    int64_t process_ms; /* monotonic: when the process was met */
    uint32_t mark; /* of this agent, in HAProxy's table: a process without it is a new one; not 0 */
};

/* When something happened, on both clocks. */
struct moment {
    struct timespec wall;
    int64_t monotonic_ms;
};

enum instance_change { INSTANCE_UNCHANGED, INSTANCE_BECAME_UNHEALTHY, INSTANCE_BECAME_HEALTHY };

/*
 * A new farm for a configuration. What `previous` (or NULL) knows of an instance with the same
 * number and URL is taken over. The caller releases it with farm_free().
 */
struct farm *farm_new(const struct config *config, const struct farm *previous,
                      const struct moment *now);
void farm_free(struct farm *farm);

/* NULL if there is no such instance. */
struct instance *farm_find(const struct farm *farm, unsigned number);
size_t farm_count_healthy(const struct farm *farm);

/* Whether every instance that may get jobs has had some failed lately, or connections. */
bool farm_fails_alike(const struct farm *farm);

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
 * within that doubt the last number of external jobs stands.
 */
enum instance_change instance_apply(struct instance *instance, const struct check_result *result,
                                    const struct check_start *start,
                                    const struct check_rules *rules, const struct moment *now);

/*
 * Looks at HAProxy's counters of failed connections and responses. What a process counted before
 * the first look is nobody's latest; later ones are held against the instance for
 * INSTANCE_ERRORS_MS after the latest, or until jobs have succeeded since; longer if they follow
 * each other, up to INSTANCE_ERRORS_MAX_MS.
 */
#define INSTANCE_ERRORS_MS 10000
#define INSTANCE_ERRORS_MAX_MS 60000
void instance_see_errors(struct instance *instance, int64_t now_ms);

/*
 * HAProxy is a new process: what the old one had open, or had accepted, goes on, and the new one
 * doesn't know of it. To be called before its counts are noted.
 */
void instance_inherit(struct instance *instance);

/* Jobs accepted since the last report, or while it was made. */
unsigned instance_accepted(const struct instance *instance);

/*
 * What the instance's latest failures count as: HAProxy's penalty for jobs, the one for failed
 * connections and responses, and one for a health check that failed, which puts it behind all
 * others until the next one.
 */
unsigned instance_penalty(const struct instance *instance);

/* In flight, expected external and accepted jobs, and penalty: what the routing rules compare. */
unsigned instance_load(const struct instance *instance);

/* What is to be told to HAProxy's table (see names.h). */
uint32_t instance_word(const struct instance *instance);

#endif
