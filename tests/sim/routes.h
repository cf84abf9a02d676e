/* Which server is played: the requests that it knows, and what it does about them. */
#ifndef SIM_ROUTES_H
#define SIM_ROUTES_H

#include "conn.h"

struct route {
    const char *method; /* NULL: any */
    const char *path;   /* the end of the target's path; or what jobs_path_read() finds in it */
    enum conn_kind kind;
    bool own_odd;                     /* serve() heeds an odd response; else it takes its place */
    void (*serve)(struct conn *conn); /* answers a request that has arrived whole */
};

/* Sets the connection's route, the request's kind and what its path says. */
void route_find(struct conn *conn);

#endif
