#ifndef LEASTJOBS_SHOWSTAT_H
#define LEASTJOBS_SHOWSTAT_H

#include <stdbool.h>
#include <stddef.h>

#include "instances/farm.h"

/*
 * Reads HAProxy's `show stat` (management guide, section 9.1: CSV under a "# " line of names)
 * and notes, for each instance's server in the backend, the open requests (scur), those so far
 * (stot), failed connections, failed responses, successes and failed answers (econ and wredis,
 * eresp, hrsp_2xx, hrsp_5xx), whether an operator drained it (status), and the server's id (sid).
 * Columns are found by name. Servers that the farm doesn't know are passed over. Returns false,
 * with the farm unchanged, if the text isn't complete `show stat` output.
 *
 * The first is for the whole backend: instances that aren't there have nothing in flight, and no
 * id. The second is for the answers to several commands, one behind the other: the instances that
 * they don't name stay as they are.
 */
bool showstat_apply(struct farm *farm, const char *text, size_t length);
bool showstat_update(struct farm *farm, const char *text, size_t length);

#endif
