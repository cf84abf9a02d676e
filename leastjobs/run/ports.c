#include "run/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct port port_of(const char *name, unsigned number, const char *address_name,
                           const char *address)
{
    struct port port = {.name = name, .address_name = address_name, .number = number};

    snprintf(port.address, sizeof(port.address), "%s", address);
    return port;
}

struct ports ports_of(const struct config *config)
{
    struct ports ports = {{port_of("PORT", config->port, "BIND_ADDRESS", config->bind_address),
                           port_of("ADMIN_PORT", config->admin_port, "ADMIN_BIND_ADDRESS",
                                   config->admin_bind_address),
                           port_of("AGENT_PORT", config->agent_port, "AGENT_BIND_ADDRESS",
                                   config->agent_bind_address),
                           port_of("STATUS_PORT", config->status_port, "AGENT_BIND_ADDRESS",
                                   config->agent_bind_address)}};

    ports.all[2].is_agents = ports.all[3].is_agents = true;
    return ports;
}

/* A name that moves to a port which its program has by another name keeps that, too. */
enum port_trial ports_trial(const struct ports *held, const struct port *port)
{
    enum port_trial trial = PORT_NEW;

    for (size_t i = 0; i < PORTS_COUNT; i++) {
        const struct port *old = &held->all[i];
        if (old->name == NULL || old->is_agents != port->is_agents || old->number != port->number)
            continue;
        if (strcmp(old->address, port->address) == 0)
            return PORT_HELD;
        trial = PORT_SHARED;
    }
    /* The agent opens its old ports to new ones of its own only when it moves: nobody can try. */
    return trial == PORT_SHARED && port->is_agents ? PORT_HELD : trial;
}

/* Returns its length. The address was checked with the configuration. */
static socklen_t fill(struct sockaddr_storage *filled, const struct port *port)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)filled;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)filled;

    memset(filled, 0, sizeof(*filled));
    if (inet_pton(AF_INET6, port->address, &ipv6->sin6_addr) == 1) {
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons((in_port_t)port->number);
        return sizeof(*ipv6);
    }
    if (inet_pton(AF_INET, port->address, &ipv4->sin_addr) != 1)
        ipv4->sin_addr.s_addr = htonl(INADDR_ANY);
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons((in_port_t)port->number);
    return sizeof(*ipv4);
}

/*
 * An error number, or 0. A socket that listens is in the way of bind(2) already: none of ours has
 * to, so that no client comes to it. Servers set SO_REUSEADDR, for what has closed just before.
 */
static int try_port(const struct port *port, bool is_shared)
{
    const int yes = 1;
    const int no = 0;
    struct sockaddr_storage address;
    socklen_t length = fill(&address, port);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (is_shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
    if (strcmp(port->address, "::") == 0)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
    int problem = bind(fd, (const struct sockaddr *)&address, length) == 0 ? 0 : errno;
    close(fd);
    return problem;
}

bool ports_try(const struct ports *wanted, const struct ports *held, struct errors *errors)
{
    bool good = true;

    for (size_t i = 0; i < PORTS_COUNT; i++) {
        const struct port *port = &wanted->all[i];
        enum port_trial trial = port->name == NULL ? PORT_HELD : ports_trial(held, port);
        int problem = trial == PORT_HELD ? 0 : try_port(port, trial == PORT_SHARED);
        if (problem == 0)
            continue;
        good = false;
        errors_add(errors, "%s=\"%u\" with %s=\"%s\": can't listen there: %s", port->name,
                   port->number, port->address_name, port->address, strerror(problem));
    }
    return good;
}

void ports_hold(struct ports *held, const struct ports *wanted, bool of_agent)
{
    for (size_t i = 0; i < PORTS_COUNT; i++) {
        if (wanted->all[i].is_agents == of_agent)
            held->all[i] = wanted->all[i];
    }
}
