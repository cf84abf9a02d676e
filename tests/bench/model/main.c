/*
 * A discrete-event simulation of ways to pick an instance.
 *
 * Everything that happens to the system (arrivals, service times, roads) comes from one stream of
 * random numbers and everything that a policy draws from another, so all policies see the same
 * jobs. One CSV line per policy goes to standard output.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "policy.h"
#include "world.h"

static double percentile(const struct result *result, double share)
{
    double wanted = share * (double)result->finished;
    double seen = 0;
    int bin = 0;
    while (bin < BINS - 1 && seen + result->bins[bin] < wanted) {
        seen += result->bins[bin++];
    }
    double part = result->bins[bin] ? (wanted - seen) / result->bins[bin] : 0;
    return BIN_LEAST * exp((bin + part) / BINS_PER_E);
}

static void print(const struct settings *settings, const char *name, const struct result *result)
{
    printf("%s,%llu,%llu,%.6f,%.6f,%.6f,%.6f,%u\n", name, (unsigned long long)settings->seed,
           (unsigned long long)result->finished, result->sum / (double)result->finished,
           percentile(result, 0.95), percentile(result, 0.99),
           (double)result->best / (double)result->picks, result->imbalance);
    fflush(stdout);
}

static void simulate(const struct settings *settings, const struct policy *policy)
{
    struct result *result = memory_new(1, sizeof *result);
    for (uint64_t run = 0; run * settings->run < settings->jobs; run++) {
        world_run(settings, policy, run, result);
    }
    print(settings, policy->name, result);
    free(result);
}

static bool read_number(const char *text, double least, double most, double *number)
{
    char *end = NULL;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= least && *number <= most;
}

static bool read_list(char *text, double least, double most, double *list, unsigned *count)
{
    char *rest = NULL;
    *count = 0;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (*count == SPEEDS_MAX || !read_number(word, least, most, &list[(*count)++])) {
            return false;
        }
    }
    return *count > 0;
}

enum {
    INSTANCES,
    BALANCERS,
    BURST,
    JOBS,
    RUN,
    SEED,
    DICE,
    RHO,
    POLL,
    OTHER,
    ASYNC,
    UPLOAD,
    SIGMA,
    LATENCY,
    TO_BUSY,
    SLOTS,
    QUICKEST,
    SPEEDS,
    CAPACITIES
};

static const struct option options[] = {
    {"instances", required_argument, NULL, INSTANCES},
    {"balancers", required_argument, NULL, BALANCERS},
    {"burst", required_argument, NULL, BURST},
    {"jobs", required_argument, NULL, JOBS},
    {"run", required_argument, NULL, RUN},
    {"seed", required_argument, NULL, SEED},
    {"dice", required_argument, NULL, DICE},
    {"rho", required_argument, NULL, RHO},
    {"poll", required_argument, NULL, POLL},
    {"other", required_argument, NULL, OTHER},
    {"async", required_argument, NULL, ASYNC},
    {"upload", required_argument, NULL, UPLOAD},
    {"sigma", required_argument, NULL, SIGMA},
    {"latency", required_argument, NULL, LATENCY},
    {"to-busy", required_argument, NULL, TO_BUSY},
    {"slots", required_argument, NULL, SLOTS},
    {"quickest", required_argument, NULL, QUICKEST},
    {"speeds", required_argument, NULL, SPEEDS},
    {"capacities", required_argument, NULL, CAPACITIES},
    {0},
};

/* The allowed range of each option's number. */
static const double limits[][2] = {
    [INSTANCES] = {1, 100000}, [BALANCERS] = {1, 1000}, [BURST] = {1, 100000}, [JOBS] = {1, 1e12},
    [RUN] = {1, 1e12},         [SEED] = {0, 1e15},      [DICE] = {0, 1e15},    [RHO] = {0.01, 0.99},
    [POLL] = {1e-6, 1e6},      [OTHER] = {0, 1},        [ASYNC] = {0, 1},      [UPLOAD] = {0, 1e6},
    [SIGMA] = {0, 5},          [LATENCY] = {0, 1e6},    [TO_BUSY] = {0, 1},    [SLOTS] = {1, 1000},
    [QUICKEST] = {0, 1e6},
};

static void set_number(struct settings *settings, int option, double number)
{
    unsigned *counts[] = {[INSTANCES] = &settings->instances,
                          [BALANCERS] = &settings->balancers,
                          [BURST] = &settings->burst};
    double *numbers[] = {[RHO] = &settings->rho,          [POLL] = &settings->poll,
                         [OTHER] = &settings->other,      [ASYNC] = &settings->async,
                         [UPLOAD] = &settings->upload,    [SIGMA] = &settings->sigma,
                         [LATENCY] = &settings->latency,  [TO_BUSY] = &settings->to_busy,
                         [QUICKEST] = &settings->quickest};
    if (option <= BURST) {
        *counts[option] = (unsigned)number;
    } else if (option == SLOTS) {
        settings->slots = (unsigned)number;
    } else if (option == JOBS) {
        settings->jobs = (uint64_t)number;
    } else if (option == RUN) {
        settings->run = (uint64_t)number;
    } else if (option == SEED) {
        settings->seed = (uint64_t)number;
    } else if (option == DICE) {
        settings->dice = (uint64_t)number;
    } else {
        *numbers[option] = number;
    }
}

/* Of an option that is no list, its number. */
static bool read_value(int option, struct settings *settings, double *number)
{
    switch (option) {
    case SPEEDS:
        return read_list(optarg, 0.01, 100, settings->speeds, &settings->speed_count);
    case CAPACITIES:
        return read_list(optarg, 1, 10000, settings->capacities, &settings->capacity_count);
    default:
        return read_number(optarg, limits[option][0], limits[option][1], number);
    }
}

static bool read_options(int argc, char **argv, struct settings *settings)
{
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        double number = 0;
        if (option == '?') {
            return false;
        }
        if (!read_value(option, settings, &number)) {
            fprintf(stderr, "leastjobs-model: --%s: bad value '%s'\n", options[option].name,
                    optarg);
            return false;
        }
        if (option < SPEEDS) {
            set_number(settings, option, number);
        }
    }
    for (int i = optind; i < argc; i++) {
        if (!policy_find(argv[i])) {
            fprintf(stderr, "leastjobs-model: no policy '%s'\n", argv[i]);
            return false;
        }
    }
    if (settings->latency > settings->poll ||
        (settings->quickest > 0 && settings->latency > settings->quickest)) {
        fprintf(stderr, "leastjobs-model: --latency is longer than --poll or --quickest\n");
        return false;
    }
    if (settings->run == 0 || settings->run > settings->jobs) {
        settings->run = settings->jobs;
    }
    return optind < argc;
}

int main(int argc, char **argv)
{
    struct settings settings = {.instances = 5,
                                .balancers = 1,
                                .burst = 1,
                                .jobs = 1000000,
                                .seed = 1,
                                .rho = 0.7,
                                .poll = 0.1,
                                .sigma = 1,
                                .to_busy = 0.5,
                                .slots = 1,
                                .speeds = {1},
                                .speed_count = 1,
                                .capacities = {1},
                                .capacity_count = 1};
    if (!read_options(argc, argv, &settings)) {
        fprintf(stderr, "usage: leastjobs-model [--OPTION VALUE]… POLICY…\n");
        return 2;
    }
    puts("policy,seed,jobs,mean,p95,p99,share,imbalance");
    for (int i = optind; i < argc; i++) {
        simulate(&settings, policy_find(argv[i]));
    }
    return 0;
}
