#include "address.h"

#include <arpa/inet.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_TEXT_MAX = 64 };

static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

bool address_parse(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
    char copy[ADDRESS_TEXT_MAX];
    int size = sizeof *address;
    const char *colon = strrchr(text, ':');
    size_t host = colon == NULL ? 0 : (size_t)(colon - text);
    memset(address, 0, sizeof *address);
    /* libevent takes a missing port as 0, and no 0 at all: read that one with another port. */
    if (colon == NULL || colon[1] < '0' || colon[1] > '9' || host + 3 > sizeof copy) {
        return false;
    }
    bool any_port = strcmp(colon, ":0") == 0;
    memcpy(copy, text, host);
    memcpy(copy + host, ":1", 3);
    if (evutil_parse_sockaddr_port(any_port ? copy : text, (struct sockaddr *)address, &size) !=
        0) {
        return false;
    }
    if (any_port) {
        *port_of(address) = 0;
    }
    *len = (socklen_t)size;
    return true;
}

unsigned address_port(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
                                          : ntohs(((const struct sockaddr_in *)address)->sin_port);
}

bool address_add_port(struct sockaddr_storage *address, uint32_t add)
{
    uint64_t port = (uint64_t)address_port(address) + add;
    if (port > UINT16_MAX) {
        return false;
    }
    *port_of(address) = htons((in_port_t)port);
    return true;
}

bool address_add_host(struct sockaddr_storage *address, uint32_t add)
{
    if (address->ss_family != AF_INET) {
        return false;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    uint64_t host = (uint64_t)ntohl(in->sin_addr.s_addr) + add;
    in->sin_addr.s_addr = htonl((in_addr_t)host);
    return host <= UINT32_MAX;
}

void address_format(char *text, size_t size, const char *scheme,
                    const struct sockaddr_storage *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, host, sizeof host);
        snprintf(text, size, "%s://[%s]:%u", scheme, host, address_port(address));
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, host, sizeof host);
        snprintf(text, size, "%s://%s:%u", scheme, host, address_port(address));
    }
}
