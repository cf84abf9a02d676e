#ifndef LEASTJOBS_RELAY_H
#define LEASTJOBS_RELAY_H

#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

#include "jobs/ask.h"

/*
 * An instance's answer on its way to a client, of any size: status, header fields and body as they
 * come. Of a body that the client doesn't read fast enough RELAY_WAITING_MAX bytes wait, and the
 * instance with the rest of it. A plain value; zeros are one that hasn't begun.
 */
struct relay {
    struct evhttp_request *request;
    struct ask *ask;
    bool is_begun;
    bool is_paused;
};

#define RELAY_WAITING_MAX (256U << 10)

/* `request` and `ask` must outlive it. The answer's header must have come. */
void relay_begin(struct relay *relay, struct evhttp_request *request, struct ask *ask);

/* Bytes of the body, as ask_events.data() has them. */
size_t relay_data(struct relay *relay, const char *bytes, size_t length);

/*
 * The end of a request's answer; or it is broken off, so that the client sees that it isn't whole.
 * The relay, which is over, isn't looked at any more, and the request isn't the caller's.
 */
void relay_end(struct evhttp_request *request);
void relay_break(struct evhttp_request *request);

#endif
