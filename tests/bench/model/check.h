#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

/*
 * Health checks as the agent does them, and what it makes of them: HAProxy's counts are read
 * before and after the instance's, and what of the reported jobs isn't its own goes to HAProxy at
 * once. See agent/instances/, whose own code this runs. Where settings->quickest says so, an
 * instance is asked again the sooner, the less time has passed since its last change.
 */
#include "instances/forecast.h"

enum stage { STAGE_START, STAGE_COUNT, STAGE_END };

struct world;
struct view;

/* The part of a view that these checks fill. */
struct check {
    double gap; /* to the next check */
    enum stage next;
    unsigned start_in_flight;
    unsigned start_sessions;
    unsigned start_accepted;
    unsigned counted;      /* by the instance */
    unsigned last_counted; /* this and the next: as of the last report */
    unsigned last_in_flight;
    unsigned last_sessions;
    unsigned truly;         /* those of them that this balancer didn't send */
    unsigned external;      /* those of them that HAProxy can't see, as far as is known */
    unsigned told_accepted; /* acceptances that are in the last report */
    struct forecast forecast;
    double expected; /* external jobs, as told to HAProxy */
};

/* Does what is due; to be called as view_catch_up(), which calls it. */
void check_catch_up(const struct world *world, unsigned number, struct view *view);

#endif
