#ifndef LEASTJOBS_FORECAST_H
#define LEASTJOBS_FORECAST_H

#include <stdbool.h>

/*
 * How many external jobs an instance will have until its next report. What the last one said is
 * right if they run for longer than a report is old; of jobs that come and go between two reports
 * it says next to nothing, and then their mean is the better guess. In between: the mean, plus so
 * much of the last report's difference from it as the reports so far followed their predecessors
 * (lag-1 autocorrelation, as in any AR(1) forecast). In tests/bench/model that is never worse
 * than not to know of external jobs at all, which the last report alone is where they are short.
 *
 * A difference that is beyond all that was seen is another level and not noise, and so are reports
 * that go on saying the same: then the last one stands.
 *
 * A plain value; zero-initialise it.
 */
struct forecast {
    double mean;
    double variance;
    double covariance; /* of a report and the one before */
    double last;
    double expected; /* the forecast */
    unsigned reports;
    unsigned equal; /* how many reports the same has been said in a row, but for the first */
};

/*
 * Takes a report in. `is_ours`: jobs that we sent are among those that are new in it, so that it
 * is no guess but what is known of them.
 */
void forecast_take(struct forecast *forecast, double jobs, bool is_ours);

/* Begins anew with a number that stands for the last report. */
void forecast_restart(struct forecast *forecast, double jobs);

#endif
