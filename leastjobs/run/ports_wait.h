#ifndef LEASTJOBS_PORTS_WAIT_H
#define LEASTJOBS_PORTS_WAIT_H

#include <event2/event.h>

#include "run/ports.h"

/*
 * Before the first start: waits until all ports can be had, since a predecessor that was killed
 * just now may hold them for another moment.
 */
struct ports_wait;

#define PORTS_PATIENCE_MS 3000

/* `done` is called once; not good, after messages, when the patience is over. */
struct ports_wait *ports_wait_new(struct event_base *base, const struct config *config,
                                  void (*done)(void *context, bool good), void *context);
/* Also from inside `done`. NULL: nothing happens. */
void ports_wait_free(struct ports_wait *wait);

#endif
