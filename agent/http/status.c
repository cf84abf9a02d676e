#include "http/status.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "clock.h"
#include "http/fleet.h"
#include "http/metrics.h"
#include "http/page_file.h"
#include "log.h"
#include "names.h"
#include "xalloc.h"

/* What HAProxy's buffer can hold. */
#define HEADER_MAX 16384
#define CONNECTION_TIMEOUT_S 5
#define BACKLOG 128
/* What slow readers may leave waiting, all together and each in the kernel. The metrics of ten
 * thousand instances have some 8 MiB. */
#define WAITING_MAX (32U << 20)
#define SEND_BUFFER (128 << 10)

#define METHODS                                                                                    \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |      \
     EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS)

/* A page is shown for so many times as long as it took to make. */
#define SNAPSHOT_FACTOR 4

#define TYPE_JSON "application/json"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* A connection, in the order of arrival. */
struct visitor {
    TAILQ_ENTRY(visitor) entry;
    struct status *status;
    struct bufferevent *stream;           /* evhttp's */
    struct evhttp_connection *connection; /* evhttp's; NULL until it is adopted */
    struct event *adoption;
    struct job_request *job; /* NULL: nothing about jobs is being answered */
};
TAILQ_HEAD(visitor_list, visitor);

/* An answer as it goes out, to all who asked for it in one turn of the loop. */
struct page {
    char *text;
    size_t length;
    unsigned users;
};

/* The latest of a kind, when it was made, and how long that took. */
struct snapshot {
    struct page *page; /* NULL: none */
    struct timeval turn;
    int64_t made_ms;
    int64_t took_ms;
};

/* What the callback of a file's path is given. */
struct shown_file {
    struct status *status;
    const struct page_file *file;
};

struct status {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *accept; /* evhttp's */
    struct report_view view;
    struct jobs *jobs;
    struct visitor_list visitors;
    size_t visitor_count;
    size_t visitors_max;
    struct shown_file *files; /* one for each of page_files */
    struct snapshot health;
    struct snapshot fleet;
    struct snapshot metrics;
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
    struct visitor *visitor = argument;

    (void)connection;
    if (visitor->job != NULL)
        jobs_give_up(visitor->job);
    forget_visitor(visitor);
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

/* There is always one: of answers about jobs there are fewer than visitors at a time. */
static struct visitor *find_oldest(const struct status *status)
{
    struct visitor *visitor = TAILQ_FIRST(&status->visitors);

    while (visitor != NULL && visitor->job != NULL)
        visitor = TAILQ_NEXT(visitor, entry);
    return visitor;
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
        evhttp_connection_free(find_oldest(status)->connection);
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

static size_t count_waiting(const struct visitor *visitor)
{
    return evbuffer_get_length(bufferevent_get_output(visitor->stream));
}

/* libevent frees a closed connection's buffer after all that is to be done in this turn of the
 * loop, such as filling a hundred more: so it is emptied first. */
static void evict(struct visitor *visitor)
{
    struct evbuffer *output = bufferevent_get_output(visitor->stream);

    evbuffer_unfreeze(output, 1);
    evbuffer_drain(output, evbuffer_get_length(output));
    adopt(visitor);
    evhttp_connection_free(visitor->connection);
}

/* Those who have been slow for longest go without the rest of theirs; not the one who asks now. */
static void make_room(struct status *status, const struct evhttp_connection *asking, size_t length)
{
    struct visitor *visitor;
    struct visitor *next;
    size_t waiting = length;

    TAILQ_FOREACH(visitor, &status->visitors, entry)
    waiting += count_waiting(visitor);
    for (visitor = TAILQ_FIRST(&status->visitors); visitor != NULL && waiting > WAITING_MAX;
         visitor = next) {
        size_t own = count_waiting(visitor);
        next = TAILQ_NEXT(visitor, entry);
        if (own == 0 || visitor->connection == asking || visitor->job != NULL)
            continue;
        waiting -= own;
        evict(visitor);
    }
}

/* Takes `text`. */
static struct page *new_page(char *text, size_t length)
{
    struct page *page = xcalloc(1, sizeof(*page));

    *page = (struct page){.text = text, .length = length, .users = 1};
    return page;
}

static void release_page(struct page *page)
{
    if (page == NULL || --page->users > 0)
        return;
    free(page->text);
    free(page);
}

static void on_sent(const void *data, size_t length, void *page)
{
    (void)data;
    (void)length;
    release_page(page);
}

static void forget_snapshot(struct snapshot *snapshot)
{
    release_page(snapshot->page);
    snapshot->page = NULL;
}

static bool is_fresh(const struct snapshot *snapshot, const struct timeval *turn)
{
    return snapshot->page != NULL &&
           (memcmp(&snapshot->turn, turn, sizeof(*turn)) == 0 ||
            clock_ms() - snapshot->made_ms < SNAPSHOT_FACTOR * snapshot->took_ms);
}

/*
 * With thousands of instances a page takes some 20 to 100 ms: a hundred visitors who ask at once
 * must not keep HAProxy's agent-checks waiting for a hundred of them, nor those who ask again and
 * again take more than a part of the loop's time. Of a few instances each gets what is known now.
 */
static struct page *latest_page(struct status *status, struct snapshot *snapshot,
                                struct page *(*render)(const struct report_view *view))
{
    struct timeval turn;

    event_base_gettimeofday_cached(status->base, &turn);
    if (!is_fresh(snapshot, &turn)) {
        int64_t begin_ms = clock_ms();
        forget_snapshot(snapshot);
        snapshot->page = render(&status->view);
        snapshot->turn = turn;
        snapshot->made_ms = clock_ms();
        snapshot->took_ms = snapshot->made_ms - begin_ms;
    }
    return snapshot->page;
}

/* The page isn't copied: a large one waits for all its readers once. */
static void send_page(struct status *status, struct evhttp_request *request, int code,
                      const char *reason, const char *type, struct page *page)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();

    make_room(status, evhttp_request_get_connection(request), page->length);
    page->users++;
    if (body == NULL ||
        evbuffer_add_reference(body, page->text, page->length, on_sent, page) != 0) {
        release_page(page);
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    } else {
        evhttp_add_header(headers, "Content-Type", type);
        evhttp_add_header(headers, "Cache-Control", "no-store");
        evhttp_send_reply(request, code, reason, body);
    }
    if (body != NULL)
        evbuffer_free(body);
}

/* Takes `text`. */
static void send_json(struct status *status, struct evhttp_request *request, int code,
                      const char *reason, char *text)
{
    struct page *page = new_page(text, strlen(text));

    send_page(status, request, code, reason, TYPE_JSON, page);
    release_page(page);
}

/* Whether it may read a page; if not, it has been told. */
static bool is_reader(struct status *status, struct evhttp_request *request)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(request);

    if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD)
        return true;
    evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
    send_json(status, request, HTTP_BADMETHOD, "Method Not Allowed",
              xstrdup("{\"detail\":\"Method Not Allowed\"}"));
    return false;
}

static void on_root(struct evhttp_request *request, void *argument)
{
    struct status *status = argument;

    if (!is_reader(status, request))
        return;
    send_json(status, request, HTTP_OK, "OK", report_root(&status->view));
}

static struct page *render_health(const struct report_view *view)
{
    char *text = report_health(view);

    return new_page(text, strlen(text));
}

static void on_health(struct evhttp_request *request, void *argument)
{
    struct status *status = argument;

    if (!is_reader(status, request))
        return;
    struct page *page = latest_page(status, &status->health, render_health);
    if (farm_count_healthy(status->view.farm) > 0)
        send_page(status, request, HTTP_OK, "OK", TYPE_JSON, page);
    else
        send_page(status, request, HTTP_SERVUNAVAIL, "Service Unavailable", TYPE_JSON, page);
}

static struct page *render_fleet(const struct report_view *view)
{
    char *text = fleet_report(view);

    return new_page(text, strlen(text));
}

static void on_fleet(struct evhttp_request *request, void *argument)
{
    struct status *status = argument;

    if (!is_reader(status, request))
        return;
    struct page *page = latest_page(status, &status->fleet, render_fleet);
    send_page(status, request, HTTP_OK, "OK", TYPE_JSON, page);
}

/* NULL without memory for it. */
static struct page *render_metrics(const struct report_view *view)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    if (memory == NULL)
        return NULL;
    metrics_report(memory, view, clock_ms());
    if (fclose(memory) == 0)
        return new_page(text, length);
    free(text);
    return NULL;
}

static void on_metrics(struct evhttp_request *request, void *argument)
{
    struct status *status = argument;

    if (!is_reader(status, request))
        return;
    struct page *page = latest_page(status, &status->metrics, render_metrics);
    if (page == NULL)
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    else
        send_page(status, request, HTTP_OK, "OK", TYPE_METRICS, page);
}

static void on_page_file(struct evhttp_request *request, void *argument)
{
    const struct shown_file *shown = argument;
    const struct builtin *content = shown->file->content;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    if (!is_reader(shown->status, request))
        return;
    evhttp_add_header(headers, "Content-Security-Policy", PAGE_POLICY);
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    /* Not no-referrer: a browser would keep back the Origin of forms on this port, too. */
    evhttp_add_header(headers, "Referrer-Policy", "same-origin");
    char *text = xreallocarray(NULL, content->length, 1);
    memcpy(text, content->bytes, content->length);
    struct page *page = new_page(text, content->length);
    send_page(shown->status, request, HTTP_OK, "OK", shown->file->type, page);
    release_page(page);
}

static void on_job_answered(void *argument)
{
    struct visitor *visitor = argument;

    visitor->job = NULL;
}

static struct visitor *find_visitor(struct status *status, struct evhttp_request *request)
{
    struct visitor *visitor = TAILQ_FIRST(&status->visitors);

    while (visitor != NULL && (visitor->connection == NULL ||
                               visitor->connection != evhttp_request_get_connection(request)))
        visitor = TAILQ_NEXT(visitor, entry);
    return visitor;
}

static void on_other(struct evhttp_request *request, void *argument)
{
    struct status *status = argument;
    struct visitor *visitor = find_visitor(status, request);

    if (visitor != NULL && jobs_wants(status->jobs, evhttp_request_get_uri(request))) {
        visitor->job = jobs_take(status->jobs, request, on_job_answered, visitor);
        return;
    }
    send_json(status, request, HTTP_NOTFOUND, "Not Found", xstrdup("{\"detail\":\"Not Found\"}"));
}

/* Out of files: the oldest visitor gives its own. */
static void on_accept_error(struct evconnlistener *listener, void *argument)
{
    struct status *status = argument;
    struct visitor *oldest = find_oldest(status);

    if (oldest != NULL && address_has_caller(evconnlistener_get_fd(listener))) {
        adopt(oldest);
        evhttp_connection_free(oldest->connection);
    }
}

static int bind_to(struct status *status, struct event_base *base, const char *address,
                   unsigned port, enum address_use use)
{
    struct evconnlistener *listener = address_listen(base, address, port, use, BACKLOG, NULL, NULL);

    int send_buffer = SEND_BUFFER;

    if (listener == NULL)
        return -1;
    /* Connections have it from their listener. */
    setsockopt(evconnlistener_get_fd(listener), SOL_SOCKET, SO_SNDBUF, &send_buffer,
               sizeof(send_buffer));
    if (evhttp_bind_listener(status->http, listener) != NULL) {
        evconnlistener_set_error_cb(listener, on_accept_error);
        status->accept = listener;
        return 0;
    }
    evconnlistener_free(listener);
    errno = ENOMEM;
    return -1;
}

static void show_files(struct status *status)
{
    status->files = xcalloc(page_file_count, sizeof(*status->files));
    for (size_t i = 0; i < page_file_count; i++) {
        status->files[i] = (struct shown_file){status, &page_files[i]};
        evhttp_set_cb(status->http, page_files[i].path, on_page_file, &status->files[i]);
    }
}

struct status *status_new(struct event_base *base, const char *address, unsigned port,
                          enum address_use use, size_t visitors_max, const struct report_view *view,
                          struct jobs *jobs)
{
    struct status *status = xcalloc(1, sizeof(*status));

    status->base = base;
    status->view = *view;
    status->jobs = jobs;
    status->visitors_max = visitors_max;
    TAILQ_INIT(&status->visitors);
    status->http = evhttp_new(base);
    if (status->http == NULL || bind_to(status, base, address, port, use) != 0) {
        int problem = errno;
        status_free(status);
        errno = problem;
        return NULL;
    }
    evhttp_set_bevcb(status->http, on_visitor, status);
    evhttp_set_allowed_methods(status->http, METHODS);
    evhttp_set_default_content_type(status->http, NULL);
    evhttp_set_max_headers_size(status->http, HEADER_MAX);
    evhttp_set_max_body_size(status->http, FINDER_BODY_MAX);
    evhttp_set_timeout(status->http, CONNECTION_TIMEOUT_S);
    evhttp_set_cb(status->http, "/", on_root, status);
    evhttp_set_cb(status->http, "/health", on_health, status);
    evhttp_set_cb(status->http, "/fleet", on_fleet, status);
    evhttp_set_cb(status->http, "/metrics", on_metrics, status);
    show_files(status);
    evhttp_set_gencb(status->http, on_other, status);
    return status;
}

static void forget_snapshots(struct status *status)
{
    forget_snapshot(&status->health);
    forget_snapshot(&status->fleet);
    forget_snapshot(&status->metrics);
}

void status_use(struct status *status, const struct report_view *view)
{
    status->view = *view;
    forget_snapshots(status);
}

void status_share(struct status *status)
{
    address_share(status->accept);
}

void status_free(struct status *status)
{
    if (status == NULL)
        return;
    /* It closes all connections, and each takes its visitor with it. */
    if (status->http != NULL)
        evhttp_free(status->http);
    forget_snapshots(status);
    free(status->files);
    free(status);
}
