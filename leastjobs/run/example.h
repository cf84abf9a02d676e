#ifndef LEASTJOBS_EXAMPLE_H
#define LEASTJOBS_EXAMPLE_H

#include "config.h"

/*
 * Where it serves, and what to try, on standard output. `path` is that of haproxy.cfg, `sample` of
 * a file to send.
 */
void example_show(const struct config *config, const char *path, const char *sample);

#endif
