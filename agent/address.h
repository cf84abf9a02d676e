#ifndef LEASTJOBS_ADDRESS_H
#define LEASTJOBS_ADDRESS_H

#include <event2/listener.h>
#include <stdbool.h>

/* Whether a port may be one that this process listens on already. */
enum address_use { ADDRESS_ALONE, ADDRESS_SHARED };

/*
 * Listens on a port of an IP address, or of "*", which is all of IPv4; `address` was checked by
 * the configuration. With ADDRESS_SHARED this succeeds beside sockets that address_share() has
 * opened to it, so that an old and a new one can overlap; any other is in the way as ever.
 * Returns NULL after an error in errno. The caller releases it with evconnlistener_free().
 */
struct evconnlistener *address_listen(struct event_base *base, const char *address, unsigned port,
                                      enum address_use use, int backlog, evconnlistener_cb callback,
                                      void *argument);

/* Opens a listener's port to sockets of ADDRESS_SHARED, of this process's user only. */
void address_share(struct evconnlistener *listener);

/*
 * Whether somebody waits for accept(2), which complains of a lack of files also when nobody does:
 * after each connection that took the last one.
 */
bool address_has_caller(int listening);

#endif
