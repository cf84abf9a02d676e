/* Jobs that were answered before they began: they belong to their instance, not to a connection. */
#ifndef SIM_ASYNC_H
#define SIM_ASYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "joblog.h"

struct instance;
struct job;

/* Submits a job that takes time_us (or is JOB_HELD). False when memory is short. */
bool async_submit(struct instance *instance, int64_t time_us, const struct joblog_entry *entry);

/* Takes a connection's job over, if it waits or runs: it goes on. False: there is none, or memory
 * is short. */
bool async_adopt(struct instance *instance, struct job *job, const struct joblog_entry *entry);

/* Gives all of an instance's up. For its end: no other job starts there afterwards. */
void async_abort_all(struct instance *instance);

#endif
