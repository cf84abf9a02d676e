#ifndef LEASTJOBS_PROCESSES_H
#define LEASTJOBS_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

#include "running/servers.h"

/*
 * HAProxy's processes, by its master, at the socket that it has under `leastjobs run` beside
 * `socket`, HAPROXY_SOCKET: there only the newest worker answers, but earlier ones go on as long as
 * they have jobs. Where HAProxy was started by another, nobody can be asked.
 */

/* Who gets new jobs: 0 if nobody is there to say so, -1 if the master doesn't answer, as it doesn't
 * in the middle of a reload. */
pid_t processes_ask_current(const char *socket);

/*
 * Adds the jobs that earlier workers have in flight; ask for `servers` before. False if that isn't
 * known, though there is a master: in the moment of a reload, or a worker doesn't answer.
 */
bool processes_add_earlier_jobs(struct servers *servers, const char *socket);

#endif
