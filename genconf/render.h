#ifndef LEASTJOBS_RENDER_H
#define LEASTJOBS_RENDER_H

#include <stdio.h>

#include "config.h"

/* An empty folder that nobody can write to. */
#define HAPROXY_CHROOT "/var/lib/haproxy"

/* So many instances are tried for a job that can't be connected, then it is refused. */
#define PASSES_MAX 20

/*
 * Writes the whole haproxy.cfg of a configuration: the same bytes for the same configuration,
 * without a look at the system; max_connections must be set. Valid for HAProxy 2.6 and later.
 * Errors are the stream's.
 */
void render_config(FILE *out, const struct config *config);

#endif
