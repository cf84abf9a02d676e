#ifndef LEASTJOBS_PORTS_H
#define LEASTJOBS_PORTS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "config.h"
#include "errors.h"

/*
 * The ports that HAProxy and the agent listen on, tried before they are told of them. HAProxy 2.6
 * that can't have one in a reload may end, with all its jobs; and the agent would refuse what
 * HAProxy takes, or the other way round.
 */
#define PORTS_COUNT 4

struct port {
    const char *name; /* the variable; NULL: there is none */
    const char *address_name;
    char address[INET6_ADDRSTRLEN]; /* or "*" */
    unsigned number;
    bool is_agents; /* else HAProxy's */
};

/* All zero: none. It owns nothing, and may be copied. */
struct ports {
    struct port all[PORTS_COUNT];
};

struct ports ports_of(const struct config *config);

enum port_trial {
    PORT_HELD,   /* its program has it already, and keeps it */
    PORT_SHARED, /* HAProxy has the number on another address, and shares it with itself */
    PORT_NEW,
};
/* How one is tried, beside those that are held. Pure. */
enum port_trial ports_trial(const struct ports *held, const struct port *port);

/*
 * Whether all that are new can be had: each is bound for a moment, as its program would, but not
 * beside a stranger's that shares it by SO_REUSEPORT. What can't be had is in `errors`.
 */
bool ports_try(const struct ports *wanted, const struct ports *held, struct errors *errors);

/* Takes over those of the agent, or of HAProxy: it has them from now on. */
void ports_hold(struct ports *held, const struct ports *wanted, bool of_agent);

#endif
