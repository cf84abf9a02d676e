#ifndef LEASTJOBS_SHOWSTAT_H
#define LEASTJOBS_SHOWSTAT_H

#include <stdbool.h>
#include <stddef.h>

#include "state.h"

/*
 * Reads HAProxy's `show stat` (management guide, section 9.1: CSV under a "# " line of names)
 * and notes, for each instance's server in the backend, the open requests (scur) and whether an
 * operator drained it (status). Columns are found by name. Servers that the farm doesn't know
 * are passed over; instances that aren't there have nothing in flight. Returns false, with the
 * farm unchanged, if the text isn't complete `show stat` output.
 */
bool showstat_apply(struct farm *farm, const char *text, size_t length);

#endif
