#ifndef LEASTJOBS_HEALTH_QUESTION_H
#define LEASTJOBS_HEALTH_QUESTION_H

#include <event2/event.h>
#include <stddef.h>

#include "config.h"

/* One GET /health to the agent that `leastjobs run` has started. */
struct health_question;

#define HEALTH_QUESTION_TIMEOUT_S 5

/* Once, never from inside health_question_ask(). `body` is NULL if there was no answer. */
typedef void health_answered(void *context, const char *body, size_t length);

struct health_question *health_question_ask(struct event_base *base, const struct config *config,
                                            health_answered *answered, void *context);

/* Gives it up, not from inside its answer. */
void health_question_cancel(struct health_question *question);

#endif
