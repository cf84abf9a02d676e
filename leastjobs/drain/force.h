#ifndef LEASTJOBS_FORCE_H
#define LEASTJOBS_FORCE_H

#include "drain/work.h"

/*
 * Says the order of all targets, again to a process of HAProxy's that takes over meanwhile, until
 * it is in force and stays so. -1 to go on, or an exit status after a message.
 */
int force_order(const struct work *work);

#endif
