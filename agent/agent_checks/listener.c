#include "agent_checks/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_checks/agent_check.h"
#include "clock.h"
#include "log.h"
#include "xalloc.h"

#define BACKLOG 1024
/* Requests that aren't understood come from port scans too: the log says so this often. */
#define REFUSAL_LOG_INTERVAL_MS 1000
#define SHOWN_MAX 40
/* So long a HAProxy that is being reloaded may ask after instances that have just gone. */
#define RELOAD_MS 5000

struct client {
    TAILQ_ENTRY(client) entry; /* in the order of arrival */
    struct listener *listener;
    struct event *readable;
    evutil_socket_t fd;
    int64_t deadline_ms;
    size_t length;
    char line[AGENT_CHECK_REQUEST_MAX];
};
TAILQ_HEAD(client_list, client);

struct listener {
    struct event_base *base;
    struct evconnlistener *accept;
    struct event *timer; /* the oldest client's deadline */
    const struct farm *farm;
    struct client_list clients;
    size_t client_count;
    size_t clients_max;
    struct listener_counts counts;
    int64_t refusal_logged_ms;
    int64_t changed_ms; /* since when the farm is another one; 0: it never was */
};

static void close_client(struct client *client)
{
    struct listener *listener = client->listener;

    TAILQ_REMOVE(&listener->clients, client, entry);
    listener->client_count--;
    event_free(client->readable);
    close(client->fd);
    free(client);
}

static void log_refusal(struct client *client, const char *what)
{
    struct listener *listener = client->listener;
    int64_t now = clock_ms();

    listener->counts.refused++;
    if (now - listener->refusal_logged_ms < REFUSAL_LOG_INTERVAL_MS)
        return;
    listener->refusal_logged_ms = now;
    log_warning("agent-check refused: %s: got \"%.*s\", expected \"instanceN\" or \"instanceN "
                "external\" and a newline, N being one of the configured instances",
                what, client->length < SHOWN_MAX ? (int)client->length : SHOWN_MAX, client->line);
}

static void refuse_unknown(struct client *client)
{
    struct listener *listener = client->listener;

    if (listener->changed_ms == 0 || clock_ms() - listener->changed_ms >= RELOAD_MS)
        log_refusal(client, "no such instance");
    else
        listener->counts.refused++;
}

static void serve(struct client *client, size_t line_length)
{
    struct listener *listener = client->listener;
    struct agent_check_request request;
    char answer[AGENT_CHECK_ANSWER_MAX];
    const struct instance *instance = NULL;

    if (!agent_check_parse(client->line, line_length, &request)) {
        log_refusal(client, "not a request");
    } else if ((instance = farm_find(listener->farm, request.number)) == NULL) {
        refuse_unknown(client);
    } else {
        size_t length = agent_check_format(answer, instance, request.weighting);
        /* It fits any socket buffer; if the client is gone, so is its interest. */
        ssize_t sent = send(client->fd, answer, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent;
        listener->counts.answered++;
        listener->counts.external += request.weighting == WEIGHTING_EXTERNAL;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct client *client = argument;
    ssize_t received = recv(fd, client->line + client->length,
                            sizeof(client->line) - client->length, MSG_DONTWAIT);

    (void)what;
    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (received > 0) {
        client->length += (size_t)received;
        const char *newline = memchr(client->line, '\n', client->length);
        if (newline != NULL)
            serve(client, (size_t)(newline - client->line));
        else if (client->length < sizeof(client->line))
            return;
        else
            log_refusal(client, "line too long");
    } else if (client->length > 0) {
        log_refusal(client, "no newline");
    }
    close_client(client);
}

static void arm_timer(struct listener *listener)
{
    const struct client *oldest = TAILQ_FIRST(&listener->clients);

    if (oldest == NULL || evtimer_pending(listener->timer, NULL))
        return;
    struct timeval wait = clock_timeval(oldest->deadline_ms - clock_ms());
    evtimer_add(listener->timer, &wait);
}

static void on_deadline(evutil_socket_t unused, short what, void *argument)
{
    struct listener *listener = argument;
    struct client *oldest;
    int64_t now = clock_ms();

    (void)unused;
    (void)what;
    while ((oldest = TAILQ_FIRST(&listener->clients)) != NULL && oldest->deadline_ms <= now) {
        log_refusal(oldest, "no line in time");
        close_client(oldest);
    }
    arm_timer(listener);
}

/* The oldest may have asked by now; if so it is answered, else it goes without. */
static void serve_oldest(struct listener *listener)
{
    struct client *oldest = TAILQ_FIRST(&listener->clients);
    size_t before = listener->client_count;

    on_readable(oldest->fd, EV_READ, oldest);
    if (listener->client_count < before)
        return;
    listener->counts.evicted++;
    close_client(oldest);
}

static void on_accept(struct evconnlistener *source, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct listener *listener = argument;

    (void)source;
    (void)address;
    (void)length;
    if (listener->client_count >= listener->clients_max)
        serve_oldest(listener);
    struct client *client = xcalloc(1, sizeof(*client));
    client->listener = listener;
    client->fd = fd;
    client->deadline_ms = clock_ms() + LISTENER_TIMEOUT_MS;
    client->readable = event_new(listener->base, fd, EV_READ | EV_PERSIST, on_readable, client);
    if (client->readable == NULL || event_add(client->readable, NULL) != 0) {
        if (client->readable != NULL)
            event_free(client->readable);
        close(fd);
        free(client);
        return;
    }
    TAILQ_INSERT_TAIL(&listener->clients, client, entry);
    listener->client_count++;
    arm_timer(listener);
}

static void on_accept_error(struct evconnlistener *source, void *argument)
{
    struct listener *listener = argument;

    /* Out of file descriptors: the longest waiting client gives its own. */
    if ((errno == EMFILE || errno == ENFILE) && listener->client_count > 0 &&
        address_has_caller(evconnlistener_get_fd(source)))
        serve_oldest(listener);
}

struct listener *listener_new(struct event_base *base, const char *address, unsigned port,
                              enum address_use use, size_t clients_max, const struct farm *farm)
{
    struct listener *listener = xcalloc(1, sizeof(*listener));

    listener->base = base;
    listener->farm = farm;
    listener->clients_max = clients_max;
    listener->refusal_logged_ms = clock_ms() - REFUSAL_LOG_INTERVAL_MS;
    TAILQ_INIT(&listener->clients);
    listener->timer = evtimer_new(base, on_deadline, listener);
    listener->accept = address_listen(base, address, port, use, BACKLOG, on_accept, listener);
    if (listener->timer == NULL || listener->accept == NULL) {
        int problem = errno;
        listener_free(listener);
        errno = problem;
        return NULL;
    }
    evconnlistener_set_error_cb(listener->accept, on_accept_error);
    return listener;
}

void listener_use(struct listener *listener, const struct farm *farm)
{
    if (listener->farm != NULL)
        listener->changed_ms = clock_ms();
    listener->farm = farm;
}

void listener_share(struct listener *listener)
{
    address_share(listener->accept);
}

struct listener_counts listener_counts(const struct listener *listener)
{
    return listener->counts;
}

void listener_free(struct listener *listener)
{
    struct client *client;

    if (listener == NULL)
        return;
    if (listener->accept != NULL)
        evconnlistener_free(listener->accept);
    while ((client = TAILQ_FIRST(&listener->clients)) != NULL)
        close_client(client);
    if (listener->timer != NULL)
        event_free(listener->timer);
    free(listener);
}
