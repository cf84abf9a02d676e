#include "run/ready.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "run/addresses.h"
#include "xalloc.h"

#define ASK_AGAIN_MS 100
#define TIMEOUT_S 2
static const char wanted[] = "\nleastjobs_haproxy_present 1\n";

struct ready {
    struct event_base *base;
    char *address;
    unsigned port;
    struct event *again;
    struct evhttp_connection *connection;
    bool is_done;
    void (*done)(void *context);
    void *context;
};

static void ask_again(struct ready *ready)
{
    struct timeval pause = clock_timeval(ready->is_done ? 0 : ASK_AGAIN_MS);

    event_add(ready->again, &pause);
}

/* `request` is NULL if none came. */
static void on_answer(struct evhttp_request *request, void *argument)
{
    struct ready *ready = argument;

    if (request != NULL) {
        struct evbuffer *body = evhttp_request_get_input_buffer(request);
        struct evbuffer_ptr found = evbuffer_search(body, wanted, strlen(wanted), NULL);
        ready->is_done = found.pos >= 0;
    }
    ask_again(ready);
}

static void on_again(evutil_socket_t unused, short what, void *argument)
{
    struct ready *ready = argument;

    (void)unused;
    (void)what;
    if (ready->is_done) { /* not from inside its connection, which it may free */
        ready->done(ready->context);
        return;
    }
    if (ready->connection != NULL)
        evhttp_connection_free(ready->connection);
    ready->connection = xalloc_checked(
        evhttp_connection_base_new(ready->base, NULL, ready->address, (unsigned short)ready->port));
    evhttp_connection_set_timeout(ready->connection, TIMEOUT_S);
    struct evhttp_request *request = xalloc_checked(evhttp_request_new(on_answer, ready));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Host", "agent");
    if (evhttp_make_request(ready->connection, request, EVHTTP_REQ_GET, "/metrics") != 0)
        ask_again(ready);
}

struct ready *ready_new(struct event_base *base, const struct config *config,
                        void (*done)(void *context), void *context)
{
    struct ready *ready = xcalloc(1, sizeof(*ready));

    ready->base = base;
    ready->address = xstrdup(address_to_reach(config->agent_bind_address));
    ready->port = config->status_port;
    ready->done = done;
    ready->context = context;
    ready->again = xalloc_checked(event_new(base, -1, 0, on_again, ready));
    ask_again(ready);
    return ready;
}

void ready_free(struct ready *ready)
{
    if (ready == NULL)
        return;
    if (ready->connection != NULL)
        evhttp_connection_free(ready->connection);
    event_free(ready->again);
    free(ready->address);
    free(ready);
}
