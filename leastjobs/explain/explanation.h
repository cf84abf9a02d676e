#ifndef LEASTJOBS_EXPLANATION_H
#define LEASTJOBS_EXPLANATION_H

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "explain/pick.h"
#include "running/fleet_view.h"
#include "running/servers.h"

/*
 * Which instance the next job goes to, and why: what the agent has read, what HAProxy has, what
 * the rules compute of that (pick.h), put together. Pure but for the streams.
 */
struct explanation {
    const struct servers *servers;
    const struct fleet_view *view; /* NULL: the agent doesn't answer */
    bool compares_capacities;
    struct candidate *candidates; /* one for each server, in their order */
    struct verdict *verdicts;     /* the same */
    size_t *order;                /* of them: the best first */
    size_t picked;                /* so many of the first are; any of them may be */
};

/*
 * Capacities, where they are compared, are those that the agent has, without one the
 * configuration's (NULL: all are 1); what comes from reports, HAProxy has been told. All must
 * outlive it. The caller releases it with explanation_free().
 */
void explanation_make(struct explanation *explanation, const struct servers *servers,
                      const struct fleet_view *view, const struct config *config);
void explanation_free(struct explanation *explanation);

/* What is compared: the load, or (load + 1) / capacity; of the one with this index. */
double explanation_cost(const struct explanation *explanation, size_t index);

/* For people (explanation_text.c); `number`: of the one instance that is asked about, 0: all. */
void explanation_print(FILE *stream, const struct explanation *explanation, unsigned number);

/*
 * {"picked":[2,5],"compares_capacities":…,"instances":[{"number","outcome","status","weight",
 * "in_flight","unseen","penalty","capacity","load"}]}: the best first; text for the caller to
 * free(). outcome is "picked", "more", "down", "maintenance", "drained", "no_weight" or "no_room".
 */
char *explanation_json(const struct explanation *explanation);

#endif
