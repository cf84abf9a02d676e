/* Which server is played: the requests that it knows, and what it does about them. */
#ifndef SIM_ROUTES_H
#define SIM_ROUTES_H

#include "conn.h"
#include "report.h"

struct route {
    const char *method; /* NULL: any */
    const char *path;   /* the end of the target's path; or what jobs_path_read() finds in it */
    void (*serve)(struct conn *conn); /* answers a request that has arrived whole */
    report_write *report;             /* what it answers with, if that says of health or load … */
    bool is_load;                     /* … and which of both */
    bool at_metrics;                  /* at the instance's second address, and only there */
    bool own_odd;                     /* serve() heeds an odd response; else it takes its place */
    unsigned kinds;                   /* the servers that have it: bits by enum kind */
    enum conn_kind kind;
};

/* Sets the connection's route, the request's kind and what its path says. */
void route_find(struct conn *conn);

#endif
