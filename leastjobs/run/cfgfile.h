#ifndef LEASTJOBS_CFGFILE_H
#define LEASTJOBS_CFGFILE_H

#include <stdbool.h>

#include "run/place.h"

/*
 * haproxy.cfg, which HAProxy also reads when it is started again: while HAProxy takes a new one,
 * the last good one is kept beside it, and put back if HAProxy doesn't.
 */

/* Whether the new one differs from the one that is in force. */
bool cfgfile_is_other(const struct place *place);

/* Puts the new one in its place, and keeps the old one. False, with errno: all is as it was. */
bool cfgfile_put(const struct place *place);

/* HAProxy has taken it: the kept one goes. */
void cfgfile_accept(const struct place *place);
/* Or it hasn't. */
void cfgfile_put_back(const struct place *place);

#endif
