#include "jobs/reply.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define RETRY_AFTER_S "1"

/* RFC 9110 section 15. */
static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    default:
        return "Refused";
    }
}

static void on_sent(const void *data, size_t length, void *text)
{
    (void)data;
    (void)length;
    free(text);
}

void reply_json(struct evhttp_request *request, int status, char *text)
{
    struct evkeyvalq *header = evhttp_request_get_output_headers(request);
    struct evbuffer *body = xalloc_checked(evbuffer_new());

    evhttp_add_header(header, "Content-Type", "application/json");
    evhttp_add_header(header, "Cache-Control", "no-store");
    evhttp_add_header(header, "Connection", "close");
    if (status == 503)
        evhttp_add_header(header, "Retry-After", RETRY_AFTER_S);
    if (evbuffer_add_reference(body, text, strlen(text), on_sent, text) != 0)
        free(text);
    evhttp_send_reply(request, status, reason_of(status), body);
    evbuffer_free(body);
}
