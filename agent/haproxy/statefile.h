#ifndef LEASTJOBS_STATEFILE_H
#define LEASTJOBS_STATEFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "instances/farm.h"

/*
 * HAProxy's server-state-file, beside its socket: what an operator said of the servers (drain,
 * maint), which HAProxy takes over when it starts. The file is replaced as a whole, and only if
 * its content changes.
 */
struct statefile;

/* `config` must outlive it. The caller releases it with statefile_free(). */
struct statefile *statefile_new(const struct config *config);
void statefile_free(struct statefile *file);

/*
 * Writes what HAProxy's answer to `show servers state` says (see serverstate.h), and logs it if
 * that fails, once for each reason.
 */
void statefile_update(struct statefile *file, const char *answer, size_t length);

/*
 * Takes over from the file who is drained or in maintenance: what a HAProxy that starts now has its
 * servers from, before this agent has asked it. Without a file that can be read nobody is.
 */
void statefile_recall(const struct statefile *file, struct farm *farm);

/* Whether the file is known to have no server: an answer without one to keep can't change it. */
bool statefile_is_empty(const struct statefile *file);

#endif
