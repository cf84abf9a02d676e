#include "policy.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "draw.h"
#include "view.h"

static double load_true(struct world *world, struct view *view, unsigned instance)
{
    (void)view;
    return world->instances[instance].jobs;
}

static double load_true_by_speed(struct world *world, struct view *view, unsigned instance)
{
    (void)view;
    return (world->instances[instance].jobs + 1) / world->instances[instance].speed;
}

static double load_leastjobs(struct world *world, struct view *view, unsigned instance)
{
    (void)instance;
    return view->in_flight + view->external + view_recent_jobs(world, view);
}

static double load_expected(struct world *world, struct view *view, unsigned instance)
{
    (void)world;
    (void)instance;
    return view->in_flight + view->check.expected + (view->accepted - view->check.told_accepted);
}

static double load_by_capacity(struct world *world, struct view *view, unsigned instance)
{
    return (load_expected(world, view, instance) + 1) / world->instances[instance].capacity;
}

static double load_by_speed(struct world *world, struct view *view, unsigned instance)
{
    return (load_leastjobs(world, view, instance) + 1) / world->instances[instance].speed;
}

static double load_reported(struct world *world, struct view *view, unsigned instance)
{
    (void)world;
    (void)instance;
    return view->active;
}

static double load_with_open(struct world *world, struct view *view, unsigned instance)
{
    (void)world;
    (void)instance;
    return view->active + view->in_flight;
}

/* The least load; ties at random. */
static unsigned pick_least(struct world *world, unsigned balancer)
{
    struct view *views = view_row(world, balancer);
    double least = INFINITY;
    unsigned ties = 0;
    for (unsigned i = 0; i < world->settings->instances; i++) {
        double load = world->policy->load(world, &views[i], i);
        if (load < least) {
            least = load;
            ties = 0;
        }
        if (load <= least) {
            world->ties[ties++] = i;
        }
    }
    return world->ties[draw_below(&world->dice, ties)];
}

static unsigned pick_leastconn(struct world *world, unsigned balancer)
{
    const struct view *views = view_row(world, balancer);
    unsigned best = 0;
    for (unsigned i = 1; i < world->settings->instances; i++) {
        if (views[i].key < views[best].key ||
            (views[i].key == views[best].key && views[i].stamp < views[best].stamp)) {
            best = i;
        }
    }
    return best;
}

static unsigned pick_roundrobin(struct world *world, unsigned balancer)
{
    struct view *views = view_row(world, balancer);
    unsigned best = 0;
    for (unsigned i = 1; i < world->settings->instances; i++) {
        if (views[i].position < views[best].position) {
            best = i;
        }
    }
    world->turns[balancer] = views[best].position;
    views[best].position += 1.0 / views[best].weight;
    return best;
}

static unsigned draw_by_weight(struct world *world, const struct view *views)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < world->settings->instances; i++) {
        sum += views[i].weight;
    }
    unsigned drawn = draw_below(&world->dice, sum);
    unsigned i = 0;
    while (drawn >= views[i].weight) {
        drawn -= views[i++].weight;
    }
    return i;
}

static unsigned pick_random2(struct world *world, unsigned balancer)
{
    const struct view *views = view_row(world, balancer);
    unsigned a = draw_by_weight(world, views);
    unsigned b = draw_by_weight(world, views);
    return views[b].in_flight * views[a].weight > views[a].in_flight * views[b].weight ? a : b;
}

/* forecast is what the product does, capacities the same where it knows those; last-report the same
 * with external jobs as last reported, and true-report with those that they really were. leastjobs
 * is what version 0.1 did, open+external the same without recent jobs. Of the experiments, the
 * number is the window in polls. nginx's least_conn is leastconn here. */
/* clang-format off */
static const struct policy policies[] = {
    {"oracle", pick_least, load_true, 0, 0, RECENT_NONE, REPORTS_WAIT, false},
    {"oracle-by-speed", pick_least, load_true_by_speed, 0, 0, RECENT_NONE, REPORTS_WAIT, false},
    {"leastjobs", pick_least, load_leastjobs, 1, 0.25, RECENT_RATE, REPORTS_WAIT, false},
    {"leastjobs-by-speed", pick_least, load_by_speed, 1, 0.25, RECENT_RATE, REPORTS_WAIT, false},
    {"open+external", pick_least, load_leastjobs, 0, 0, RECENT_NONE, REPORTS_WAIT, false},
    {"forecast", pick_least, load_expected, 0, 0, RECENT_NONE, REPORTS_FORECAST, false},
    {"capacities", pick_least, load_by_capacity, 0, 0, RECENT_NONE, REPORTS_FORECAST, false},
    {"last-report", pick_least, load_expected, 0, 0, RECENT_NONE, REPORTS_LAST, false},
    {"true-report", pick_least, load_expected, 0, 0, RECENT_NONE, REPORTS_TRUE, false},
    {"leastconn", pick_leastconn, NULL, 0, 0, RECENT_NONE, REPORTS_WAIT, false},
    {"leastconn-w", pick_leastconn, NULL, 0, 0, RECENT_NONE, REPORTS_WAIT, true},
    {"roundrobin-w", pick_roundrobin, NULL, 0, 0, RECENT_NONE, REPORTS_WAIT, true},
    {"random2-w", pick_random2, NULL, 0, 0, RECENT_NONE, REPORTS_WAIT, true},
    {"reported", pick_least, load_reported, 0, 0, RECENT_NONE, REPORTS_AT_ONCE, false},
    {"reported+pending", pick_least, load_with_open, 0, 0, RECENT_NONE, REPORTS_AT_ONCE, false},
    {"window-1", pick_least, load_leastjobs, 1, 1, RECENT_WINDOW, REPORTS_WAIT, false},
    {"window-1.125", pick_least, load_leastjobs, 1.125, 1.125, RECENT_WINDOW, REPORTS_WAIT, false},
    {"window-1.25", pick_least, load_leastjobs, 1.25, 1.25, RECENT_WINDOW, REPORTS_WAIT, false},
    {"window-1.5", pick_least, load_leastjobs, 1.5, 1.5, RECENT_WINDOW, REPORTS_WAIT, false},
    {"rate-1", pick_least, load_leastjobs, 1, 1, RECENT_RATE, REPORTS_WAIT, false},
    {"rate-1.125", pick_least, load_leastjobs, 1.125, 1.125, RECENT_RATE, REPORTS_WAIT, false},
    {"rate-1.25", pick_least, load_leastjobs, 1.25, 1.25, RECENT_RATE, REPORTS_WAIT, false},
    {"rate-1.5", pick_least, load_leastjobs, 1.5, 1.5, RECENT_RATE, REPORTS_WAIT, false},
    {"rate-1-async", pick_least, load_leastjobs, 1, 0, RECENT_RATE, REPORTS_WAIT, false},
    {"epoch", pick_least, load_leastjobs, 1, 1, RECENT_EPOCH, REPORTS_WAIT, false},
    {"epoch-async", pick_least, load_leastjobs, 1, 0, RECENT_EPOCH, REPORTS_WAIT, false},
    {"since", pick_least, load_leastjobs, 1, 1, RECENT_SINCE, REPORTS_WAIT, false},
    {"since-quick", pick_least, load_leastjobs, 1, 0.25, RECENT_SINCE, REPORTS_WAIT, false},
    {"since-async", pick_least, load_leastjobs, 1, 0, RECENT_SINCE, REPORTS_WAIT, false},
    {"sent-1", pick_least, load_leastjobs, 1, 1, RECENT_SENT, REPORTS_WAIT, false},
    {"sent-1.25", pick_least, load_leastjobs, 1.25, 1.25, RECENT_SENT, REPORTS_WAIT, false},
};
/* clang-format on */

const struct policy *policy_find(const char *name)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            return &policies[i];
        }
    }
    return NULL;
}
