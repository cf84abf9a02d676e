#ifndef LEASTJOBS_READY_H
#define LEASTJOBS_READY_H

#include <event2/event.h>

#include "config.h"

/* Asks the agent's metrics until it sees HAProxy, which is when all works. */
struct ready;

/* `done` is called once. `config` isn't kept. */
struct ready *ready_new(struct event_base *base, const struct config *config,
                        void (*done)(void *context), void *context);
void ready_free(struct ready *ready);

#endif
