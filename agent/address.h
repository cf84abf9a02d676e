#ifndef LEASTJOBS_ADDRESS_H
#define LEASTJOBS_ADDRESS_H

#include <sys/socket.h>

/*
 * Fills in a socket address of an IP address, or of "*", which is all of IPv4; `address` was
 * checked by the configuration. Returns its length.
 */
socklen_t address_fill(struct sockaddr_storage *filled, const char *address, unsigned port);

#endif
