#include "address.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

socklen_t address_fill(struct sockaddr_storage *filled, const char *address, unsigned port)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)filled;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)filled;

    memset(filled, 0, sizeof(*filled));
    if (inet_pton(AF_INET6, address, &ipv6->sin6_addr) == 1) {
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons((in_port_t)port);
        return sizeof(*ipv6);
    }
    if (inet_pton(AF_INET, address, &ipv4->sin_addr) != 1)
        ipv4->sin_addr.s_addr = htonl(INADDR_ANY);
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons((in_port_t)port);
    return sizeof(*ipv4);
}

bool address_has_caller(int listening)
{
    struct pollfd waiting = {.fd = listening, .events = POLLIN};

    return poll(&waiting, 1, 0) > 0;
}
