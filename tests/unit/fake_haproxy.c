#include "fake_haproxy.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <sys/un.h>
#include <unistd.h>

struct connection {
    struct fake_haproxy *fake;
    struct bufferevent *stream;
    struct evbuffer *out;
    struct event *tick;
    size_t sent;
    bool is_closing;
};

void fake_haproxy_note(struct fake_haproxy *fake, const char *line)
{
    size_t length = strlen(fake->log);

    snprintf(fake->log + length, sizeof(fake->log) - length, "%s\n", line);
}

static void end(struct connection *connection)
{
    connection->fake->open--;
    fake_haproxy_note(connection->fake, "closed");
    event_free(connection->tick);
    bufferevent_free(connection->stream);
    evbuffer_free(connection->out);
    free(connection);
}

/* How much goes out now. */
static size_t portion(const struct connection *connection)
{
    const struct fake_haproxy *fake = connection->fake;
    size_t left = evbuffer_get_length(connection->out);

    if (fake->piece_bytes > 0 && left > fake->piece_bytes)
        left = fake->piece_bytes;
    if (connection->sent < fake->cut_bytes && connection->sent + left > fake->cut_bytes)
        left = fake->cut_bytes - connection->sent;
    if (fake->close_bytes > 0 && connection->sent + left > fake->close_bytes)
        left = fake->close_bytes - connection->sent;
    return left;
}

static void send_some(struct connection *connection)
{
    struct timeval soon = clock_timeval(1);
    struct evbuffer *piece = evbuffer_new();

    connection->sent += (size_t)evbuffer_remove_buffer(connection->out, piece, portion(connection));
    connection->is_closing =
        connection->fake->close_bytes > 0 && connection->sent >= connection->fake->close_bytes;
    bufferevent_write_buffer(connection->stream, piece);
    evbuffer_free(piece);
    if (evbuffer_get_length(connection->out) > 0)
        evtimer_add(connection->tick, &soon);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    send_some(argument);
}

static void take_command(struct connection *connection, const char *command)
{
    struct fake_haproxy *fake = connection->fake;
    char *answer = NULL;

    fake->commands++;
    fake_haproxy_note(fake, command);
    if (strcmp(command, "prompt") != 0 && fake->answer != NULL)
        answer = fake->answer(fake->context, command);
    evbuffer_add_printf(connection->out, "%s\n> ", answer == NULL ? "" : answer);
    free(answer);
}

static void on_commands(struct bufferevent *stream, void *argument)
{
    struct connection *connection = argument;
    char *line;

    while ((line = evbuffer_readln(bufferevent_get_input(stream), NULL, EVBUFFER_EOL_LF)) != NULL) {
        take_command(connection, line);
        free(line);
    }
    if (!connection->fake->is_silent && !evtimer_pending(connection->tick, NULL))
        send_some(connection);
}

static void on_sent(struct bufferevent *stream, void *argument)
{
    struct connection *connection = argument;

    (void)stream;
    if (connection->is_closing)
        end(connection);
}

static void on_end(struct bufferevent *stream, short what, void *argument)
{
    (void)stream;
    (void)what;
    end(argument);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *argument)
{
    struct fake_haproxy *fake = argument;
    struct connection *connection = calloc(1, sizeof(*connection));

    (void)listener;
    (void)address;
    (void)length;
    connection->fake = fake;
    connection->out = evbuffer_new();
    connection->tick = evtimer_new(loop, on_tick, connection);
    connection->stream = bufferevent_socket_new(loop, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(connection->stream, on_commands, on_sent, on_end, connection);
    bufferevent_enable(connection->stream, (short)(EV_WRITE | (fake->is_deaf ? 0 : EV_READ)));
    if (fake->connections < COUNT(fake->opened_ms))
        fake->opened_ms[fake->connections] = clock_ms();
    fake->connections++;
    fake->open++;
    fake_haproxy_note(fake, "open");
}

void fake_haproxy_start(struct fake_haproxy *fake)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(fake->path, sizeof(fake->path), "%s/haproxy", loop_folder());
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fake->path);
    unlink(fake->path);
    fake->listener = evconnlistener_new_bind(loop, on_accept, fake, LEV_OPT_CLOSE_ON_FREE, 16,
                                             (struct sockaddr *)&address, sizeof(address));
    assert_non_null(fake->listener);
}

void fake_haproxy_stop(struct fake_haproxy *fake)
{
    if (fake->listener != NULL)
        evconnlistener_free(fake->listener);
    fake->listener = NULL;
}
