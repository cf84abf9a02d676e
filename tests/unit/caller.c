#include "caller.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>

static void on_heard(struct bufferevent *stream, void *argument)
{
    struct caller *caller = argument;
    size_t length = strlen(caller->heard);

    length += bufferevent_read(stream, caller->heard + length, sizeof(caller->heard) - length - 1);
    caller->heard[length] = '\0';
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct caller *caller = argument;

    (void)stream;
    if (what & BEV_EVENT_CONNECTED) {
        caller->is_connected = true;
        return;
    }
    caller->is_refused = !caller->is_connected;
    caller->is_closed = true;
    caller->closed_ms = clock_ms();
}

struct caller *caller_new(unsigned port, const char *text)
{
    struct caller *caller = calloc(1, sizeof(*caller));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};

    caller->stream = bufferevent_socket_new(loop, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(caller->stream, on_heard, NULL, on_event, caller);
    bufferevent_enable(caller->stream, EV_READ | EV_WRITE);
    if (text != NULL)
        caller_say(caller, text);
    bufferevent_socket_connect(caller->stream, (struct sockaddr *)&address, sizeof(address));
    return caller;
}

void caller_say(struct caller *caller, const char *text)
{
    bufferevent_write(caller->stream, text, strlen(text));
}

void caller_free(struct caller *caller)
{
    bufferevent_free(caller->stream);
    free(caller);
}

void assert_heard(unsigned port, const char *text, const char *expected)
{
    struct caller *caller = caller_new(port, text);

    await(caller->is_closed);
    assert_true(caller->is_connected);
    assert_string_equal(caller->heard, expected);
    caller_free(caller);
}
