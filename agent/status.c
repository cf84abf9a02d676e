#include "status.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "address.h"
#include "log.h"
#include "xalloc.h"

#define HEADER_MAX 8192
#define BODY_MAX 1024
#define CONNECTION_TIMEOUT_S 5
#define BACKLOG 128

#define TYPE_JSON "application/json"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* A connection, in the order of arrival. */
struct visitor {
    TAILQ_ENTRY(visitor) entry;
    struct status *status;
    struct bufferevent *stream;           /* evhttp's */
    struct evhttp_connection *connection; /* evhttp's; NULL until it is adopted */
    struct event *adoption;
};
TAILQ_HEAD(visitor_list, visitor);

struct status {
    struct evhttp *http;
    struct report_view view;
    struct visitor_list visitors;
    size_t visitor_count;
    size_t visitors_max;
};

static void forget_visitor(struct visitor *visitor)
{
    TAILQ_REMOVE(&visitor->status->visitors, visitor, entry);
    visitor->status->visitor_count--;
    event_free(visitor->adoption);
    free(visitor);
}

static void on_closed(struct evhttp_connection *connection, void *argument)
{
    (void)connection;
    forget_visitor(argument);
}

/*
 * evhttp has no bound on connections, and shows one only with its first request. But it asks for
 * a stream when it accepts one, and then makes itself the argument of that stream's callbacks:
 * so it is found, before anything can happen to it.
 */
static void adopt(struct visitor *visitor)
{
    void *connection = NULL;

    if (visitor->connection != NULL)
        return;
    bufferevent_getcb(visitor->stream, NULL, NULL, NULL, &connection);
    visitor->connection = connection;
    evhttp_connection_set_closecb(connection, on_closed, visitor);
}

static void on_adoption(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    adopt(argument);
}

static struct bufferevent *on_visitor(struct event_base *base, void *argument)
{
    struct status *status = argument;
    struct visitor *latest = TAILQ_LAST(&status->visitors, visitor_list);
    struct visitor *visitor = xcalloc(1, sizeof(*visitor));

    /* Many may be accepted in one go: all but the new one are evhttp's by now. */
    if (latest != NULL)
        adopt(latest);
    if (status->visitor_count >= status->visitors_max)
        evhttp_connection_free(TAILQ_FIRST(&status->visitors)->connection);
    visitor->status = status;
    visitor->adoption = event_new(base, -1, 0, on_adoption, visitor);
    visitor->stream = bufferevent_socket_new(base, -1, 0);
    if (visitor->adoption == NULL || visitor->stream == NULL) {
        log_error("out of memory");
        exit(1);
    }
    TAILQ_INSERT_TAIL(&status->visitors, visitor, entry);
    status->visitor_count++;
    event_active(visitor->adoption, EV_TIMEOUT, 1);
    return visitor->stream;
}

static void send_text(struct evhttp_request *request, int code, const char *reason,
                      const char *type, const char *text, size_t length)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();

    if (body == NULL || evbuffer_add(body, text, length) != 0) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    } else {
        evhttp_add_header(headers, "Content-Type", type);
        evhttp_add_header(headers, "Cache-Control", "no-store");
        evhttp_send_reply(request, code, reason, body);
    }
    if (body != NULL)
        evbuffer_free(body);
}

static void send_json(struct evhttp_request *request, int code, const char *reason, char *text)
{
    send_text(request, code, reason, TYPE_JSON, text, strlen(text));
    free(text);
}

static void on_root(struct evhttp_request *request, void *argument)
{
    const struct status *status = argument;

    send_json(request, HTTP_OK, "OK", report_root(&status->view));
}

static void on_health(struct evhttp_request *request, void *argument)
{
    const struct status *status = argument;
    char *text = report_health(&status->view);

    if (farm_count_healthy(status->view.farm) > 0)
        send_json(request, HTTP_OK, "OK", text);
    else
        send_json(request, HTTP_SERVUNAVAIL, "Service Unavailable", text);
}

static void on_metrics(struct evhttp_request *request, void *argument)
{
    const struct status *status = argument;
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    if (memory == NULL) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    report_metrics(memory, &status->view);
    if (fclose(memory) == 0)
        send_text(request, HTTP_OK, "OK", TYPE_METRICS, text, length);
    else
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    free(text);
}

static void on_other(struct evhttp_request *request, void *argument)
{
    (void)argument;
    send_json(request, HTTP_NOTFOUND, "Not Found", xstrdup("{\"detail\":\"Not Found\"}"));
}

/* Out of files: the oldest visitor gives its own. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
    struct status *status = argument;
    struct visitor *oldest = TAILQ_FIRST(&status->visitors);

    if (oldest != NULL && address_has_caller(evconnlistener_get_fd(listener))) {
        adopt(oldest);
        evhttp_connection_free(oldest->connection);
    }
}

static int bind_to(struct status *status, struct event_base *base, const char *address,
                   unsigned port)
{
    struct sockaddr_storage bound;
    socklen_t length = address_fill(&bound, address, port);
    struct evconnlistener *listener = evconnlistener_new_bind(
        base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        BACKLOG, (struct sockaddr *)&bound, (int)length);

    if (listener == NULL)
        return -1;
    if (evhttp_bind_listener(status->http, listener) != NULL) {
        evconnlistener_set_error_cb(listener, on_accept_error);
        return 0;
    }
    evconnlistener_free(listener);
    errno = ENOMEM;
    return -1;
}

struct status *status_new(struct event_base *base, const char *address, unsigned port,
                          size_t visitors_max, const struct report_view *view)
{
    struct status *status = xcalloc(1, sizeof(*status));

    status->view = *view;
    status->visitors_max = visitors_max;
    TAILQ_INIT(&status->visitors);
    status->http = evhttp_new(base);
    if (status->http == NULL || bind_to(status, base, address, port) != 0) {
        int problem = errno;
        status_free(status);
        errno = problem;
        return NULL;
    }
    evhttp_set_bevcb(status->http, on_visitor, status);
    evhttp_set_allowed_methods(status->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(status->http, HEADER_MAX);
    evhttp_set_max_body_size(status->http, BODY_MAX);
    evhttp_set_timeout(status->http, CONNECTION_TIMEOUT_S);
    evhttp_set_cb(status->http, "/", on_root, status);
    evhttp_set_cb(status->http, "/health", on_health, status);
    evhttp_set_cb(status->http, "/metrics", on_metrics, status);
    evhttp_set_gencb(status->http, on_other, status);
    return status;
}

void status_use(struct status *status, const struct report_view *view)
{
    status->view = *view;
}

void status_free(struct status *status)
{
    if (status == NULL)
        return;
    /* It closes all connections, and each takes its visitor with it. */
    if (status->http != NULL)
        evhttp_free(status->http);
    free(status);
}
