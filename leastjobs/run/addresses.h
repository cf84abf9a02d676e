#ifndef LEASTJOBS_ADDRESSES_H
#define LEASTJOBS_ADDRESSES_H

#include "config.h"

/* Where a server is reached that is bound to an address (of type OPTION_BIND), from here. */
const char *address_to_reach(const char *bound);

/* The balancer's URL, from here. The caller's to free(). */
char *address_of_balancer(const struct config *config);

#endif
