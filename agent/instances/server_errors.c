#include "instances/server_errors.h"

#include "names.h"

/*
 * What is seen at once is one failure, since it is one event: an instance that died with all its
 * jobs. A connection that fails counts as four jobs: it lost none, but an instance that doesn't
 * take connections is of no use.
 */
static unsigned grow(unsigned penalty, bool connections, bool responses)
{
    if (connections)
        penalty = penalty * 16 + 15;
    if (responses)
        penalty = penalty * 2 + 1;
    return penalty < PENALTY_MAX ? penalty : PENALTY_MAX;
}

/* Many in a row are held against it for longer. */
static int64_t held_ms(const struct server_errors *errors)
{
    return SERVER_ERRORS_MS +
           (int64_t)(SERVER_ERRORS_MAX_MS - SERVER_ERRORS_MS) * errors->penalty / PENALTY_MAX;
}

/* Counters that are smaller than before are those of a new process. */
static bool are_comparable(const struct server_errors *errors,
                           const struct server_counters *counters)
{
    const struct server_counters *seen = &errors->seen;

    return errors->is_known && counters->failed_connections >= seen->failed_connections &&
           counters->failed_responses >= seen->failed_responses &&
           counters->successes >= seen->successes;
}

void server_errors_see(struct server_errors *errors, const struct server_counters *counters,
                       int64_t now_ms)
{
    const struct server_counters *seen = &errors->seen;
    uint64_t connections = 0;
    uint64_t responses = 0;

    if (are_comparable(errors, counters)) {
        connections = counters->failed_connections - seen->failed_connections;
        responses = counters->failed_responses - seen->failed_responses;
    }
    /* A response that broke off may have been counted as a success when it began. */
    if (errors->is_known && counters->successes > seen->successes &&
        counters->successes - seen->successes > responses)
        errors->penalty = 0;
    if (connections + responses > 0) {
        errors->penalty = grow(errors->penalty, connections > 0, responses > 0);
        errors->latest_ms = now_ms;
    }
    errors->is_known = true;
    errors->seen = *counters;
    errors->is_held = errors->penalty > 0 && now_ms - errors->latest_ms < held_ms(errors);
}

unsigned server_errors_penalty(const struct server_errors *errors)
{
    return errors->is_held ? errors->penalty : 0;
}

void server_errors_forgive(struct server_errors *errors)
{
    errors->penalty = 0;
    errors->is_held = false;
}

void server_errors_expect_process(struct server_errors *errors)
{
    errors->is_known = false;
}
