#ifndef LEASTJOBS_UNIT_CALLER_H
#define LEASTJOBS_UNIT_CALLER_H

#include "loop.h"

/* A client on a port of the loopback: says something, and keeps what it hears until the end. */
struct caller {
    struct bufferevent *stream;
    bool is_connected;
    bool is_refused;
    bool is_closed;
    int64_t closed_ms;
    char heard[8192];
};

/* With `text` to say at once, or NULL. The caller releases it with caller_free(). */
struct caller *caller_new(unsigned port, const char *text);
void caller_say(struct caller *caller, const char *text);
void caller_free(struct caller *caller);

/* Whether somebody says exactly this to `text` on that port, and closes. */
void assert_heard(unsigned port, const char *text, const char *expected);

#endif
