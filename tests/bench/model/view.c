#include "view.h"

#include <math.h>

#include "memory.h"

enum { LEASTCONN_SCALE = 256 }; /* HAProxy's SRV_UWGHT_MAX */
static const double CHECKS_PER_POLL = 4;

double view_window(const struct world *world)
{
    return world->policy->window * world->settings->poll;
}

struct view *view_row(struct world *world, unsigned balancer)
{
    return world->views + (size_t)balancer * world->settings->instances;
}

void view_requeue(struct world *world, struct view *view)
{
    unsigned key = view->in_flight ? (view->in_flight + 1) * LEASTCONN_SCALE / view->weight : 0;
    if (key != view->key) {
        view->key = key;
        view->stamp = ++world->stamp;
    }
}

static void set_weight(struct world *world, struct view *view, unsigned weight, double turn)
{
    if (weight == view->weight) {
        return;
    }
    if (view->position > turn) {
        view->position = turn + (view->position - turn) * view->weight / weight;
    }
    view->weight = weight;
    view->stamp = ++world->stamp;
    view_requeue(world, view);
}

static void forget_until(struct view *view, double time)
{
    for (unsigned i = 0; i < view->time_count;) {
        if (view->times[i] <= time) {
            view->times[i] = view->times[--view->time_count];
        } else {
            i++;
        }
    }
}

static void accept_report(struct world *world, unsigned balancer, struct view *view)
{
    view->waiting = false;
    view->active = view->waiting_active;
    view->external = view->waiting_external;
    view->moment = view->waiting_moment;
    if (world->policy->weighted) {
        long weight = lround((double)WEIGHT_MAX / (1 + view->active));
        set_weight(world, view, weight > 0 ? (unsigned)weight : 1, world->turns[balancer]);
    }
    if (world->policy->recent == RECENT_EPOCH) {
        view->time_count = 0;
    } else if (world->policy->recent == RECENT_SINCE) {
        forget_until(view, view->moment);
    }
}

static void take_report(const struct world *world, const struct instance *instance,
                        struct view *view, double moment)
{
    unsigned external = instance->active > view->in_flight ? instance->active - view->in_flight : 0;
    double interval = world->settings->poll / CHECKS_PER_POLL;
    view->waiting = true;
    view->waiting_moment = moment;
    view->waiting_active = instance->active;
    view->waiting_external = external;
    view->visible_at = view->check_phase + ceil((moment - view->check_phase) / interval) * interval;
    if (world->policy->reports == REPORTS_AT_ONCE) {
        view->visible_at = moment;
    }
}

void view_catch_up(struct world *world, unsigned balancer, unsigned number)
{
    struct view *view = view_row(world, balancer) + number;
    if (world->policy->reports >= REPORTS_LAST) {
        check_catch_up(world, number, view);
        return;
    }
    if (view->waiting && view->visible_at <= world->now) {
        accept_report(world, balancer, view);
    }
    if (view->next_poll > world->now) {
        return;
    }
    const struct instance *instance = &world->instances[number];
    double poll = world->settings->poll;
    double missed = floor((world->now - view->next_poll) / poll);
    double last = view->next_poll + missed * poll;
    if (missed > 0) {
        take_report(world, instance, view, last - poll);
        accept_report(world, balancer, view);
    }
    take_report(world, instance, view, last);
    view->next_poll = last + poll;
    if (view->visible_at <= world->now) {
        accept_report(world, balancer, view);
    }
}

void view_catch_up_all(struct world *world, unsigned instance)
{
    for (unsigned balancer = 0; balancer < world->settings->balancers; balancer++) {
        view_catch_up(world, balancer, instance);
    }
}

void view_remember(struct view *view, double time)
{
    if (view->time_count == view->time_room) {
        view->times = memory_grow(view->times, &view->time_room, sizeof *view->times);
    }
    view->times[view->time_count++] = time;
}

void view_rate_count(struct view *view, double now, double period)
{
    if (now - view->tick >= period) {
        view->previous = view->current;
        view->current = 0;
        view->tick += period;
        if (now - view->tick >= period) {
            view->previous = 0;
            view->tick = now;
        }
    }
    view->current++;
}

/* HAProxy's read_freq_ctr_period(), as gpc0_rate() gives it. */
static unsigned rate_read(const struct view *view, double now, double period)
{
    double remaining = view->tick + period - now;
    unsigned current = view->current;
    unsigned past = view->previous;
    if (remaining < 0) {
        remaining += period;
        past = remaining >= 0 ? current : 0;
        current = 0;
    }
    if (!current && past <= 1) {
        return past;
    }
    return current + (unsigned)(past * remaining / period);
}

unsigned view_recent_jobs(struct world *world, struct view *view)
{
    switch (world->policy->recent) {
    case RECENT_RATE:
        return rate_read(view, world->now, view_window(world));
    case RECENT_WINDOW:
        forget_until(view, world->now - view_window(world));
        return view->time_count;
    case RECENT_SENT:
        forget_until(view, world->now - view_window(world));
        return view->time_count > view->in_flight ? view->time_count - view->in_flight : 0;
    case RECENT_EPOCH:
    case RECENT_SINCE:
        return view->time_count;
    case RECENT_NONE:
        break;
    }
    return 0;
}
