#include "instances/forecast.h"

/* A report's weight in the averages is at least this. */
#define WEIGHT_MIN (1.0 / 64)
/* So many reports' worth of trust in the last one, before any has shown that it is wrong. */
#define TRUST 4
/*
 * Another level: ten standard deviations of the reports so far, and more than chance makes of jobs
 * that come at random (whose variance is their mean).
 */
#define LEVEL_FACTOR 100
#define CHANCE_FACTOR 2
#define EQUAL_REPORTS 8

void forecast_restart(struct forecast *forecast, double jobs)
{
    *forecast = (struct forecast){.mean = jobs, .last = jobs, .expected = jobs, .reports = 1};
}

static double weight_of(const struct forecast *forecast)
{
    double weight = 1.0 / forecast->reports;

    return weight > WEIGHT_MIN ? weight : WEIGHT_MIN;
}

static bool is_another_level(const struct forecast *forecast, double difference)
{
    double square = difference * difference;

    return square >= LEVEL_FACTOR * forecast->variance &&
           square >= CHANCE_FACTOR * (forecast->mean > 1 ? forecast->mean : 1);
}

/* From 0, the last report says nothing, to 1, it says all. */
static double trust_in_last(const struct forecast *forecast, double difference, double weight)
{
    double prior = TRUST * weight * difference * difference;
    double sum = forecast->variance + prior;

    if (forecast->equal >= EQUAL_REPORTS || sum <= 0)
        return 1;
    double trust = (forecast->covariance + prior) / sum;
    if (trust < 0)
        return 0;
    return trust < 1 ? trust : 1;
}

static void learn(struct forecast *forecast, double jobs)
{
    forecast->reports++;
    double weight = weight_of(forecast);
    double difference = jobs - forecast->mean;
    double before = forecast->last - forecast->mean;

    forecast->covariance += weight * (difference * before - forecast->covariance);
    forecast->variance += weight * (difference * difference - forecast->variance);
    double trust = trust_in_last(forecast, difference, weight);
    forecast->mean += weight * difference;
    forecast->expected = forecast->mean + trust * (jobs - forecast->mean);
}

void forecast_take(struct forecast *forecast, double jobs, bool is_ours)
{
    bool is_equal = forecast->reports > 0 && jobs == forecast->last;

    forecast->equal = is_equal ? forecast->equal + 1 : 0;
    if (forecast->reports == 0 || is_another_level(forecast, jobs - forecast->mean)) {
        forecast_restart(forecast, jobs);
        return;
    }
    if (is_ours) {
        /* Our own jobs are no noise: they count in full. */
        forecast->mean = forecast->expected = jobs;
        forecast->covariance = forecast->variance;
    } else {
        learn(forecast, jobs);
    }
    forecast->last = jobs;
}
