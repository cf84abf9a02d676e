#ifndef LEASTJOBS_CONSISTENCY_H
#define LEASTJOBS_CONSISTENCY_H

#include "config.h"
#include "errors.h"
#include "settings.h"

/*
 * How values that are good by themselves fit together and to this machine: errors, and warnings
 * of what is allowed but most likely a mistake. `settings` is what they were made of.
 */
void consistency_check(const struct config *config, const struct settings *settings,
                       struct errors *errors);

/*
 * That the folder of HAPROXY_SOCKET is there, without which HAProxy doesn't start, and nothing but
 * a socket in its place: only where HAProxy is to run on this machine.
 */
void consistency_check_socket(const struct config *config, struct errors *errors);

#endif
