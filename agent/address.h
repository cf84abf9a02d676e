#ifndef LEASTJOBS_ADDRESS_H
#define LEASTJOBS_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Fills in a socket address of an IP address, or of "*", which is all of IPv4; `address` was
 * checked by the configuration. Returns its length.
 */
socklen_t address_fill(struct sockaddr_storage *filled, const char *address, unsigned port);

/*
 * Whether somebody waits for accept(2), which complains of a lack of files also when nobody does:
 * after each connection that took the last one.
 */
bool address_has_caller(int listening);

#endif
