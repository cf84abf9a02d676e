#ifndef LEASTJOBS_UNIT_FAKE_INSTANCE_H
#define LEASTJOBS_UNIT_FAKE_INSTANCE_H

#include <event2/http.h>

#include "loop.h"

#define FAKE_HELD_MAX 16

/* An instance of the test's own, on a port of the loopback. */
struct fake_instance {
    struct evhttp *http;
    unsigned port;
    char url[64];
    unsigned jobs;             /* that it reports */
    unsigned answers_after_ms; /* 0: at once */
    bool is_holding;           /* requests wait for fake_instance_let_go() */
    int status;                /* 0: 200 */
    int well_status;           /* of /health alone; 0: as the others */
    const char *body;          /* NULL: {"active_jobs":N} */
    const char *location;      /* a header; NULL: none */
    size_t filler_bytes;       /* blanks behind the body */
    /* Called when a request comes, before it is answered. */
    void (*asked)(void *context, struct fake_instance *instance);
    void *context;

    unsigned requests;
    unsigned connections;
    unsigned open; /* requests without their answers */
    unsigned open_max;
    int64_t asked_ms[64];
    char path[128];
    char paths[1024]; /* all that was asked, a blank behind each */
    char token[64];   /* of the last Authorization */
    char user_agent[64];
    struct evhttp_request *held[FAKE_HELD_MAX];
    size_t held_count;
};

void fake_instance_start(struct fake_instance *instance);
/* Answers what is held, as things are now. */
void fake_instance_let_go(struct fake_instance *instance);
/* Closes its port and all connections. */
void fake_instance_stop(struct fake_instance *instance);

/* A port of the loopback that nobody listens on. */
unsigned unused_port(void);

#endif
