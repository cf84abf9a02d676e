/* The jobs that belong to an instance, not to a connection: those that were answered before they
 * began, and those whose client a deaf instance doesn't see leave. The former are known by their
 * ids, also when they are over, until they are deleted or the instance restarts. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue.h"
#include "record.h"
#include "slice.h"

enum {
    JOBS_ID_MAX = 256,        /* bytes of an id */
    JOBS_ENDED_MAX = 200000,  /* known to an instance; beyond it the oldest are forgotten */
    JOBS_RESULT_BYTES = 1000, /* of a result, unless the job was told another number */
    JOBS_RESULT_BYTES_MAX = 2000000000, /* what it may be told */
    JOBS_BUCKETS_MIN = 64
};

struct instance;

struct own_job {
    TAILQ_ENTRY(own_job) link;
    struct own_job *next;      /* of the same bucket */
    struct instance *instance; /* its owner */
    struct job job;
    struct joblog_entry entry;
    double accepted;       /* seconds since the epoch */
    double ended;          /* likewise; 0: it goes on */
    uint64_t result_bytes; /* of the text that it results in */
    bool known;            /* by its id */
    size_t id_len;
    char id[]; /* any bytes */
};

TAILQ_HEAD(own_job_list, own_job);

struct jobs {
    struct own_job_list list; /* oldest first */
    struct own_job **buckets; /* owned; the known ones by id; NULL before the first one */
    size_t bucket_count;      /* a power of two */
    size_t known_count, ended_count;
};

/* What a new job is given. */
struct own_job_plan {
    struct slice id; /* up to JOBS_ID_MAX bytes, not known to the instance */
    uint64_t result_bytes;
    int64_t time_us; /* or JOB_HELD */
};

void jobs_init(struct jobs *jobs);

/* Submits a job. False when memory is short. */
bool jobs_submit(struct instance *instance, const struct own_job_plan *plan,
                 const struct joblog_entry *entry);

/* Adds one that is over already, in no log. False when memory is short. */
bool jobs_add_ended(struct instance *instance, const struct own_job_plan *plan);

/* Takes a connection's job over, if it waits or runs: it goes on. False: there is none, or memory
 * is short. */
bool jobs_adopt(struct instance *instance, struct job *job, const struct joblog_entry *entry);

/* NULL: the instance doesn't know it. */
struct own_job *jobs_find(const struct jobs *jobs, struct slice id);

/* Forgets a job; one that isn't over is given up. */
void jobs_delete(struct own_job *job);

/* All of an instance's. No other job starts meanwhile, nor (for_good) afterwards. */
void jobs_delete_all(struct instance *instance, bool for_good);

#endif
