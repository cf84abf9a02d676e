#include "address.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Returns the address's length. */
static socklen_t fill(struct sockaddr_storage *filled, const char *address, unsigned port)
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

struct evconnlistener *address_listen(struct event_base *base, const char *address, unsigned port,
                                      enum address_use use, int backlog, evconnlistener_cb callback,
                                      void *argument)
{
    unsigned options = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
                       (use == ADDRESS_SHARED ? LEV_OPT_REUSEABLE_PORT : 0);
    struct sockaddr_storage bound;
    socklen_t length = fill(&bound, address, port);

    return evconnlistener_new_bind(base, callback, argument, options, backlog,
                                   (struct sockaddr *)&bound, (int)length);
}

void address_share(struct evconnlistener *listener)
{
    int yes = 1;

    setsockopt(evconnlistener_get_fd(listener), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
}

bool address_has_caller(int listening)
{
    struct pollfd waiting = {.fd = listening, .events = POLLIN};

    return poll(&waiting, 1, 0) > 0;
}
