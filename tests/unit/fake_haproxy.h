#ifndef LEASTJOBS_UNIT_FAKE_HAPROXY_H
#define LEASTJOBS_UNIT_FAKE_HAPROXY_H

#include <event2/listener.h>

#include "loop.h"

/*
 * A runtime socket of the test's own: speaks the prompts of HAProxy's interactive mode, and is as
 * slow, broken or silent as the test wants.
 */
struct fake_haproxy {
    char path[100];
    /* The answer to a command, with its newline, for free(); never called for "prompt". */
    char *(*answer)(void *context, const char *command);
    void *context;
    size_t piece_bytes; /* of all answers on a connection, so many in each ms; 0: all at once */
    size_t cut_bytes;   /* the first so many, and 1 ms later the rest; 0: all at once */
    size_t close_bytes; /* closes the connection after so many; 0: never */
    bool is_silent;     /* reads, and never answers */
    bool is_deaf;       /* doesn't even read */

    unsigned connections; /* ever */
    unsigned open;
    size_t commands;  /* ever */
    char log[131072]; /* "open", each command, "closed": a line each */
    int64_t opened_ms[256];
    struct evconnlistener *listener;
};

/* At a path in loop_folder(), with answers of "". */
void fake_haproxy_start(struct fake_haproxy *fake);
/* Nobody is behind the path then; open connections stay. */
void fake_haproxy_stop(struct fake_haproxy *fake);
void fake_haproxy_note(struct fake_haproxy *fake, const char *line);

#endif
