#include "check.h"

#include <math.h>

#include "world.h"

enum { LOAD_UNIT = 16 }; /* as in common/names.h */
static const double PATIENCE = 1.125;

static unsigned at_least_0(unsigned minuend, unsigned subtrahend)
{
    return minuend > subtrahend ? minuend - subtrahend : 0;
}

/* Of the requests that came or went meanwhile nobody knows whether the report has them. */
static unsigned known_external(const struct check *check, const struct view *view)
{
    unsigned come = view->sessions - check->start_sessions;
    unsigned least = at_least_0(check->counted, check->start_in_flight + come);
    unsigned most = at_least_0(check->counted, at_least_0(view->in_flight, come));
    if (check->external < least) {
        return least;
    }
    return check->external > most ? most : check->external;
}

static void start(struct check *check, const struct view *view)
{
    check->start_in_flight = view->in_flight;
    check->start_sessions = view->sessions;
    check->start_accepted = view->accepted;
}

static void end(struct check *check, const struct view *view, enum reports reports)
{
    check->external = known_external(check, view);
    bool is_ours = check->start_accepted != check->told_accepted;
    if (reports == REPORTS_FORECAST) {
        forecast_take(&check->forecast, check->external, is_ours);
        check->expected = round(check->forecast.expected * LOAD_UNIT) / LOAD_UNIT;
    } else {
        check->expected = reports == REPORTS_TRUE ? check->truly : check->external;
    }
    check->told_accepted = check->start_accepted;
}

/* Nothing new: a little more patience. */
static double gap_after(struct check *check, const struct view *view,
                        const struct settings *settings)
{
    bool is_new = check->counted != check->last_counted ||
                  view->in_flight != check->last_in_flight ||
                  view->sessions != check->last_sessions;
    check->last_counted = check->counted;
    check->last_in_flight = view->in_flight;
    check->last_sessions = view->sessions;
    if (settings->quickest <= 0) {
        return settings->poll;
    }
    double gap = is_new ? 0 : check->gap * PATIENCE;
    return fmin(fmax(gap, settings->quickest), settings->poll);
}

void check_catch_up(const struct world *world, unsigned number, struct view *view)
{
    const struct settings *settings = world->settings;
    const struct instance *instance = &world->instances[number];
    struct check *check = &view->check;
    while (view->next_poll <= world->now) {
        switch (check->next) {
        case STAGE_START:
            start(check, view);
            check->next = STAGE_COUNT;
            view->next_poll += settings->latency / 2;
            break;
        case STAGE_COUNT:
            check->counted = instance->active;
            check->truly = instance->active - (view->in_flight - view->uploading);
            check->next = STAGE_END;
            view->next_poll += settings->latency / 2;
            break;
        case STAGE_END:
            end(check, view, world->policy->reports);
            check->next = STAGE_START;
            check->gap = gap_after(check, view, settings);
            view->next_poll += check->gap - settings->latency;
            break;
        }
    }
}
