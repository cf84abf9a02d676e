/* Socket addresses: reading, counting up, writing. */
#ifndef SIM_ADDRESS_H
#define SIM_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Reads ADDR:PORT or [ADDR]:PORT, numbers only. False if it isn't one. */
bool address_parse(const char *text, struct sockaddr_storage *address, socklen_t *len);

unsigned address_port(const struct sockaddr_storage *address);

/* Adds to the port. False if that isn't a port. */
bool address_add_port(struct sockaddr_storage *address, uint32_t add);

/* Adds to an IPv4 address, carrying into the next octet. False for others or beyond the end. */
bool address_add_host(struct sockaddr_storage *address, uint32_t add);

/* Writes scheme://ADDR:PORT. */
void address_format(char *text, size_t size, const char *scheme,
                    const struct sockaddr_storage *address);

#endif
