#ifndef LEASTJOBS_DEPARTURES_H
#define LEASTJOBS_DEPARTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "found.h"

/*
 * When a leaving instance is taken out: once it has no jobs any more, by a report that was made
 * after the agent knew that it is leaving, or once it is unhealthy. One that had jobs meanwhile is
 * held for DEPARTURES_HOLD_MS after its last one: who asks for the result of an asynchronous job
 * only now and then shall find it. Several are taken out together,
 * since each time HAProxy is reloaded: when all that are leaving may go, or DEPARTURES_GATHER_MS
 * after the first one might. Pure: what is known of them is the agent's GET /health.
 */
struct departures;

#define DEPARTURES_GATHER_MS 30000
#define DEPARTURES_HOLD_MS (5 * 60 * 1000)
/* Of the agent's answer, for thousands of instances. */
#define DEPARTURES_BODY_MAX (16U * 1024 * 1024)

struct departures *departures_new(void);
void departures_free(struct departures *departures);

/*
 * Looks at an answer of the agent's and takes out of `list` those that may go. Returns how many.
 * What isn't such an answer changes nothing.
 */
size_t departures_take(struct departures *departures, struct found_list *list, const char *body,
                       size_t length, int64_t now_ms);

/* Whether there is any to look after. */
bool departures_has_any(const struct found_list *list);

#endif
