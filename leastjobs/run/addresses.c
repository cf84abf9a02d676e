#include "run/addresses.h"

#include <string.h>

#include "xalloc.h"

const char *address_to_reach(const char *bound)
{
    if (strcmp(bound, "*") == 0 || strcmp(bound, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(bound, "::") == 0 ? "::1" : bound;
}

char *address_of_balancer(const struct config *config)
{
    const char *address = address_to_reach(config->bind_address);
    bool is_ipv6 = strchr(address, ':') != NULL;

    return xasprintf("%s://%s%s%s:%u", config->tls_cert_file == NULL ? "http" : "https",
                     is_ipv6 ? "[" : "", address, is_ipv6 ? "]" : "", config->port);
}
