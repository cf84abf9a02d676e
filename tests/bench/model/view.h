#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

/*
 * What a balancer knows: its own open requests exactly, and the instances' job counts from
 * reports, one per poll, that reach it at its next agent-check.
 */
#include "world.h"

enum { WEIGHT_MAX = 100 }; /* what an idle instance's weight is */

/* What a balancer knows of the instances, one view each. */
struct view *view_row(struct world *world, unsigned balancer);

/* Does the polls and agent-checks that are due. To be called before an instance's jobs or a
 * balancer's open requests on it change and before the balancer looks: nothing has changed since
 * the last call, so of all polls only the last, and the last but one if that hasn't arrived yet,
 * make a difference. */
void view_catch_up(struct world *world, unsigned balancer, unsigned number);
void view_catch_up_all(struct world *world, unsigned instance);

/* HAProxy's leastconn: its key ignores the weight of a server without requests (issue 3223), and
 * servers of equal keys take turns, as they entered the queue. */
void view_requeue(struct world *world, struct view *view);

/* The policy's window for recent jobs. */
double view_window(const struct world *world);

/* Counts a recent job, as a moment or as HAProxy's update_freq_ctr_period() does; and how many
 * there are. */
void view_remember(struct view *view, double time);
void view_rate_count(struct view *view, double now, double period);
unsigned view_recent_jobs(struct world *world, struct view *view);

#endif
