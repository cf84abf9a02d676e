#include "jobs/relay.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jobs/field.h"
#include "xalloc.h"

/* "NAME: VALUE", in place. What isn't a field is left out. */
static void add_field(struct evkeyvalq *header, char *line)
{
    char *value = strchr(line, ':');

    if (value == NULL || value == line || line[0] == ' ' || line[0] == '\t')
        return;
    *value++ = '\0';
    value += strspn(value, " \t");
    if (!field_is_of_connection(line))
        evhttp_add_header(header, line, value);
}

/* Of the status line and the fields behind it; returns the reason for the caller to free. */
static char *copy_header(struct evkeyvalq *header, const char *lines)
{
    char *copy = xstrdup(lines);
    char *rest = copy;
    char *line = strsep(&rest, "\n");
    char *reason = strchr(line, ' ');

    reason = reason == NULL ? NULL : strchr(reason + 1, ' ');
    reason = reason == NULL ? xstrdup("") : xstrndup(reason + 1, strcspn(reason + 1, "\r"));
    while ((line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "\r")] = '\0';
        add_field(header, line);
    }
    free(copy);
    return reason;
}

void relay_begin(struct relay *relay, struct evhttp_request *request, struct ask *ask)
{
    struct evkeyvalq *header = evhttp_request_get_output_headers(request);

    *relay = (struct relay){.request = request, .ask = ask, .is_begun = true};
    char *reason = copy_header(header, ask_header(ask));
    /* Of two lengths a client believes one. */
    if (strcasestr(ask_header(ask), "\nTransfer-Encoding:") != NULL)
        evhttp_remove_header(header, "Content-Length");
    evhttp_add_header(header, "Connection", "close");
    evhttp_send_reply_start(request, (int)ask_status(ask), reason);
    free(reason);
}

static size_t count_waiting(const struct relay *relay)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(relay->request);

    return evbuffer_get_length(
        bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

static void on_written(struct evhttp_connection *connection, void *argument)
{
    struct relay *relay = argument;

    (void)connection;
    if (!relay->is_paused)
        return;
    relay->is_paused = false;
    ask_go_on(relay->ask);
}

size_t relay_data(struct relay *relay, const char *bytes, size_t length)
{
    if (evhttp_request_get_connection(relay->request) == NULL)
        return 0;
    if (count_waiting(relay) >= RELAY_WAITING_MAX) {
        relay->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    struct evbuffer *chunk = xalloc_checked(evbuffer_new());
    evbuffer_add(chunk, bytes, length);
    evhttp_send_reply_chunk_with_cb(relay->request, chunk, on_written, relay);
    evbuffer_free(chunk);
    return length;
}

void relay_end(struct evhttp_request *request)
{
    evhttp_send_reply_end(request);
}

void relay_break(struct evhttp_request *request)
{
    evhttp_connection_free(evhttp_request_get_connection(request));
}
