#ifndef LEASTJOBS_CHANGES_H
#define LEASTJOBS_CHANGES_H

#include "config.h"
#include "errors.h"

/*
 * What the agent's reload from `old` to `new` doesn't put in force, since HAProxy has it from
 * haproxy.cfg: one warning for each variable whose value has changed there, and one for all
 * that single instances have together, each with what is left to do.
 */
void changes_warn(const struct config *old, const struct config *new, struct errors *errors);

#endif
