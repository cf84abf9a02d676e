#ifndef LEASTJOBS_SERVERS_H
#define LEASTJOBS_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "running/runtime.h"

/*
 * The servers of backend farm, as HAProxy has them: `show servers state`, `show stat`, its tables,
 * and of `show info` which process it is (management guide, section 9.3).
 */

#define SERVER_STATUS_MAX 32

struct server {
    unsigned number; /* the instance's */
    bool is_up;      /* as srv_is_up() has it */
    bool is_drained;
    bool is_in_maintenance; /* by an operator, or since its name doesn't resolve */
    unsigned weight;
    uint32_t in_flight;
    uint64_t sessions;              /* requests so far */
    char status[SERVER_STATUS_MAX]; /* "UP", "DOWN (agent)"; "" if it isn't known */
    uint32_t accepted;              /* table jobs, gpc0 */
    uint32_t word;                  /* table jobs, gpt0: names.h says what it means */
    uint32_t penalty;               /* table failed, gpt0 */
    uint32_t told_capacity;         /* table capacities, gpt0 + 1 */
};

struct servers {
    struct server *all; /* by number */
    size_t count;
    pid_t process; /* that has answered; 0 if it isn't known */
};

/* Asks on this socket. False with what is wrong in `problem`, as of runtime_ask(). */
bool servers_ask(struct servers *servers, const char *socket, char problem[RUNTIME_PROBLEM_MAX]);

/* Reads the answers to all that, one behind the other; what isn't there is 0. False: no server. */
bool servers_parse(struct servers *servers, const char *text);
void servers_free(struct servers *servers);

/* What `others` have in flight is in flight, too: of those servers that `servers` has. */
void servers_add_in_flight(struct servers *servers, const struct servers *others);

/* NULL if there is no such server. */
const struct server *servers_find(const struct servers *servers, unsigned number);

#endif
