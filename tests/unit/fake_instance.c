#include "fake_instance.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <unistd.h>

/* A request whose answer is late. */
struct late {
    struct fake_instance *instance;
    struct evhttp_request *request;
};

static void reply(struct fake_instance *instance, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();

    instance->open--;
    if (instance->location != NULL)
        evhttp_add_header(headers, "Location", instance->location);
    if (instance->body != NULL)
        evbuffer_add_printf(body, "%s", instance->body);
    else
        evbuffer_add_printf(body, "{\"active_jobs\":%u}", instance->jobs);
    for (size_t i = 0; i < instance->filler_bytes; i++)
        evbuffer_add(body, " ", 1);
    int status = instance->status == 0 ? HTTP_OK : instance->status;
    if (instance->well_status != 0 && strcmp(evhttp_request_get_uri(request), "/health") == 0)
        status = instance->well_status;
    evhttp_send_reply(request, status, "As told", body);
    evbuffer_free(body);
}

static void on_late(evutil_socket_t fd, short what, void *argument)
{
    struct late *late = argument;

    (void)fd;
    (void)what;
    reply(late->instance, late->request);
    free(late);
}

static void note_request(struct fake_instance *instance, struct evhttp_request *request)
{
    const char *agent = evhttp_find_header(evhttp_request_get_input_headers(request), "User-Agent");

    if (instance->requests < COUNT(instance->asked_ms))
        instance->asked_ms[instance->requests] = clock_ms();
    instance->requests++;
    instance->open++;
    if (instance->open > instance->open_max)
        instance->open_max = instance->open;
    snprintf(instance->path, sizeof(instance->path), "%s", evhttp_request_get_uri(request));
    size_t length = strlen(instance->paths);
    snprintf(instance->paths + length, sizeof(instance->paths) - length, "%s ", instance->path);
    const char *token =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    snprintf(instance->token, sizeof(instance->token), "%s", token == NULL ? "" : token);
    snprintf(instance->user_agent, sizeof(instance->user_agent), "%s", agent == NULL ? "" : agent);
    if (instance->asked != NULL)
        instance->asked(instance->context, instance);
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct fake_instance *instance = argument;
    struct timeval wait = clock_timeval(instance->answers_after_ms);

    note_request(instance, request);
    if (instance->is_holding) {
        assert_true(instance->held_count < FAKE_HELD_MAX);
        instance->held[instance->held_count++] = request;
    } else if (instance->answers_after_ms > 0) {
        struct late *late = malloc(sizeof(*late));
        *late = (struct late){instance, request};
        event_base_once(loop, -1, EV_TIMEOUT, on_late, late, &wait);
    } else {
        reply(instance, request);
    }
}

static struct bufferevent *on_connection(struct event_base *base, void *argument)
{
    struct fake_instance *instance = argument;

    instance->connections++;
    return bufferevent_socket_new(base, -1, 0);
}

static unsigned port_of(evutil_socket_t fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

void fake_instance_start(struct fake_instance *instance)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct evconnlistener *listener = evconnlistener_new_bind(
        loop, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 64, (struct sockaddr *)&address, sizeof(address));

    assert_non_null(listener);
    instance->http = evhttp_new(loop);
    instance->port = port_of(evconnlistener_get_fd(listener));
    snprintf(instance->url, sizeof(instance->url), "http://127.0.0.1:%u", instance->port);
    evhttp_bind_listener(instance->http, listener);
    evhttp_set_gencb(instance->http, on_request, instance);
    evhttp_set_bevcb(instance->http, on_connection, instance);
}

void fake_instance_let_go(struct fake_instance *instance)
{
    while (instance->held_count > 0)
        reply(instance, instance->held[--instance->held_count]);
}

void fake_instance_stop(struct fake_instance *instance)
{
    evhttp_free(instance->http);
    instance->http = NULL;
}

unsigned unused_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    unsigned port = port_of(fd);
    close(fd);
    return port;
}
