/* Which server is played: the requests that it knows, and what it does about them. */
#ifndef SIM_ROUTES_H
#define SIM_ROUTES_H

#include "conn.h"

struct route {
    const char *method; /* NULL: any */
    const char *path;   /* the end of the target's path */
    enum conn_kind kind;
    void (*serve)(struct conn *conn); /* answers a request that has arrived whole */
};

/* Never NULL: what nobody knows has a row, too. */
const struct route *route_find(const struct request *request);

#endif
