#ifndef LEASTJOBS_DRAINS_H
#define LEASTJOBS_DRAINS_H

#include <stdbool.h>

#include "instances/farm.h"

/* Which instances an operator has drained in HAProxy, as the last whole answer said and the log. */
struct drains;

/* They are those of the farm, which must outlive it. The caller releases it with drains_free(). */
struct drains *drains_new(struct farm *farm);
void drains_free(struct drains *drains);

/* Takes over what a whole answer has just said, and logs what is new. */
void drains_note(struct drains *drains);

/* Undoes what the answer about some has said, which doesn't know of a drained server that is down.
 */
void drains_restore(const struct drains *drains);

#endif
