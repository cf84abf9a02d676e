#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

/*
 * The instances, the jobs and what happens to them. Instances run so many jobs at a time as they
 * have slots, first come first served; service times are log-normal with mean 1, which is the unit
 * of all times. Jobs arrive as a Poisson process, one by one or in bursts; some of them by other
 * roads, which no balancer sees.
 */
#include <stdbool.h>
#include <stdint.h>

#include "check.h"

enum {
    SPEEDS_MAX = 64,
    BINS_PER_E = 400, /* of the histogram: 0.25 % wide */
    BINS = 6800,
};
#define BIN_LEAST 1e-3

struct settings {
    unsigned instances;
    unsigned balancers;
    unsigned burst;
    uint64_t jobs;
    uint64_t run; /* jobs of one run, which begins with idle instances; results are pooled */
    uint64_t seed;
    uint64_t dice; /* seed of what the policies draw; the jobs stay the same */
    double rho;
    double poll;
    double other;  /* share of jobs by other roads */
    double async;  /* share of the balancers' jobs that are answered at once and run on */
    double upload; /* mean time of an upload */
    double sigma;
    double latency;  /* from HAProxy's counts before a health check to those after it */
    double quickest; /* time from one check to the next where things change; 0: always `poll` */
    double to_busy;  /* share of the jobs by other roads that goes to one instance in five */
    unsigned slots;  /* of each instance */
    double speeds[SPEEDS_MAX];
    unsigned speed_count;
    double capacities[SPEEDS_MAX]; /* as the balancers know them */
    unsigned capacity_count;
};

/* How a policy counts the jobs that were answered and may yet run on. */
enum recent {
    RECENT_NONE,
    RECENT_WINDOW, /* quick jobs sent within a window */
    RECENT_RATE,   /* the same, as HAProxy's freq_ctr estimates it */
    RECENT_EPOCH,  /* quick jobs since the last report came */
    RECENT_SINCE,  /* quick jobs answered since the moment of the last report */
    RECENT_SENT,   /* all jobs sent within a window, less those in flight */
};

/* How an instance's report gets into the load that is compared. */
enum reports {
    REPORTS_WAIT,     /* for the next agent-check */
    REPORTS_AT_ONCE,  /* as it is */
    REPORTS_LAST,     /* by a check as check.h has it: what it says of external jobs */
    REPORTS_FORECAST, /* the same, as a forecast */
    REPORTS_TRUE,     /* the same, but what of it isn't the balancer's own is known exactly */
};

struct policy {
    const char *name;
    unsigned (*pick)(struct world *world, unsigned balancer);
    double (*load)(struct world *world, struct view *view, unsigned instance);
    double window; /* for recent, in polls */
    double quick;  /* an answer within this time, in polls, means an async job; 0: it is known */
    enum recent recent;
    enum reports reports;
    bool weighted; /* the agent's weights count */
};

/* What one balancer knows of one instance. */
struct view {
    double next_poll;
    double check_phase;
    double visible_at; /* when the waiting report arrives */
    double waiting_moment;
    double moment; /* of the report that has arrived */
    double position;
    double tick; /* freq_ctr: begin of the current period */
    uint64_t stamp;
    double *times; /* of recent jobs */
    unsigned time_count;
    unsigned time_room;
    unsigned current;
    unsigned previous;
    unsigned key;
    unsigned weight;
    unsigned in_flight;
    unsigned active;
    unsigned external;
    unsigned waiting_active;
    unsigned waiting_external;
    bool waiting;
    unsigned sessions;  /* requests that were ever sent there */
    unsigned accepted;  /* async ones of them that were answered */
    unsigned uploading; /* those in flight whose job hasn't begun */
    struct check check;
};

struct instance {
    double *free_at; /* of each slot */
    double speed;
    double capacity;
    unsigned active; /* running and waiting */
    unsigned jobs;   /* and in upload */
};

struct job {
    double sent;
    double service;
    double upload;
    uint64_t number;
    unsigned instance;
    unsigned balancer;
    unsigned next_free;
    bool other;
    bool async;
};

struct event {
    double time;
    unsigned job;
    bool uploaded; /* else done */
};

struct result {
    uint64_t picks;
    uint64_t best;
    uint64_t finished;
    double sum;
    unsigned imbalance;
    uint32_t bins[BINS];
};

struct world {
    const struct settings *settings;
    const struct policy *policy;
    uint64_t nature; /* random states */
    uint64_t dice;
    double now;
    uint64_t stamp;
    struct instance *instances;
    double *free_at;    /* [instance][slot] */
    struct view *views; /* [balancer][instance] */
    double *turns;      /* round robin: the last position, per balancer */
    unsigned *ties;
    struct job *jobs;
    unsigned job_room;
    unsigned first_free;
    struct event *heap;
    unsigned heap_count;
    unsigned heap_room;
    struct result *result;
};

/* One run of `settings->run` jobs from idle instances on; adds to `result`. */
void world_run(const struct settings *settings, const struct policy *policy, uint64_t run,
               struct result *result);

#endif
