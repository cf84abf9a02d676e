#include "respond.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "cors.h"
#include "instance.h"

enum { HEAD_BYTES_MAX = 4096, SMALL_RESPONSE_MAX = 2 * HEAD_BYTES_MAX };

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {418, "I'm a teapot"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {426, "Upgrade Required"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Simulated";
}

static bool closes(const struct conn *conn)
{
    return !conn->request.keep_alive || !conn->instance->main.listening;
}

bool respond_without_body(const struct conn *conn)
{
    return slice_is(conn->request.method, "HEAD");
}

static const char *connection_field(const struct conn *conn)
{
    if (closes(conn)) {
        return "Connection: close\r\n";
    }
    return conn->request.http10 ? "Connection: keep-alive\r\n" : "";
}

static size_t write_head(struct conn *conn, char head[HEAD_BYTES_MAX], int status, const char *type,
                         const char *framing, const char *fields)
{
    char excess[48] = "";
    conn->record->status = status;
    if (conn->kind == CONN_WORK) {
        snprintf(excess, sizeof excess, "X-Sim-Excess: %" PRId64 "\r\n", conn->entry.excess);
    }
    char cors[CORS_FIELDS_MAX];
    cors_format(conn, cors);
    int len = snprintf(
        head, HEAD_BYTES_MAX, "HTTP/1.1 %d %s\r\nX-Sim-Instance: %u\r\n%s%s%s%s%s%s%s%s\r\n",
        status, reason(status), conn->instance->number, excess,
        type != NULL ? "Content-Type: " : "", type != NULL ? type : "", type != NULL ? "\r\n" : "",
        framing, connection_field(conn), cors, fields != NULL ? fields : "");
    return (size_t)len;
}

void respond_head(struct conn *conn, int status, const char *type, const char *framing)
{
    char head[HEAD_BYTES_MAX];
    size_t len = write_head(conn, head, status, type, framing, NULL);
    wire_send(&conn->wire, head, len);
}

void respond_head_length(struct conn *conn, int status, const char *type, uint64_t length)
{
    char framing[64];
    snprintf(framing, sizeof framing, "Content-Length: %" PRIu64 "\r\n", length);
    respond_head(conn, status, type, framing);
}

/* Without finishing. */
static void send_response(struct conn *conn, const struct response *response)
{
    char bytes[SMALL_RESPONSE_MAX];
    char framing[64] = "";
    struct slice body = slice_of(response->body != NULL ? response->body : "");
    bool framed = response->status != 204 && response->status != 304;
    if (framed) {
        snprintf(framing, sizeof framing, "Content-Length: %zu\r\n", body.len);
    }
    size_t len =
        write_head(conn, bytes, response->status, response->type, framing, response->fields);
    bool with_body = framed && !respond_without_body(conn) && body.len > 0;
    /* One write, hence one packet, for all but the largest. */
    if (with_body && body.len <= sizeof bytes - len) {
        memcpy(bytes + len, body.at, body.len);
        len += body.len;
        with_body = false;
    }
    wire_send(&conn->wire, bytes, len);
    if (with_body) {
        wire_send(&conn->wire, body.at, body.len);
    }
}

void respond_finish(struct conn *conn)
{
    conn_finish(conn, closes(conn) ? CONN_CLOSE : CONN_KEEP);
}

void respond_with(struct conn *conn, const struct response *response)
{
    send_response(conn, response);
    respond_finish(conn);
}

void respond_filled(struct conn *conn, const struct response *response, struct evbuffer *body,
                    struct filler filler, const char *tail)
{
    char bytes[SMALL_RESPONSE_MAX];
    char framing[64];
    size_t begin = evbuffer_get_length(body);
    snprintf(framing, sizeof framing, "Content-Length: %" PRIu64 "\r\n",
             begin + filler.len + strlen(tail));
    size_t len =
        write_head(conn, bytes, response->status, response->type, framing, response->fields);
    bool with_body = !respond_without_body(conn);
    /* One write, hence one packet, for all but the largest. */
    if (with_body && begin > 0 && begin <= sizeof bytes - len) {
        evbuffer_remove(body, bytes + len, begin);
        len += begin;
    }
    wire_send(&conn->wire, bytes, len);
    begin = evbuffer_get_length(body);
    if (with_body && begin > 0) {
        wire_send(&conn->wire, (const char *)evbuffer_pullup(body, -1), begin);
    }
    if (with_body) {
        wire_fill(&conn->wire, filler, tail[0] != '\0' ? tail : NULL);
    }
    evbuffer_drain(body, begin);
    respond_finish(conn);
}

void respond_buffer(struct conn *conn, const struct response *response, struct evbuffer *body)
{
    respond_filled(conn, response, body, (struct filler){0}, "");
}

static void send_detail(struct conn *conn, int status, const char *detail)
{
    char body[256];
    snprintf(body, sizeof body, "{\"detail\":\"%s\"}", detail);
    send_response(conn,
                  &(const struct response){.status = status, .type = RESPOND_JSON, .body = body});
}

void respond_detail(struct conn *conn, int status, const char *detail)
{
    send_detail(conn, status, detail);
    respond_finish(conn);
}

void respond_refuse(struct conn *conn, const char *error)
{
    conn->request.keep_alive = false;
    send_detail(conn, 400, error);
    conn_finish(conn, CONN_REFUSE);
}

/* hh:mm:ss and milliseconds behind the mark: a comma in SRT, a point in WebVTT. */
static void format_time(char text[32], double seconds, char mark)
{
    uint64_t ms = (uint64_t)(seconds * 1000 + 0.5);
    snprintf(text, 32, "%02u:%02u:%02u%c%03u", (unsigned)(ms / 3600000 % 1000),
             (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), mark, (unsigned)(ms % 1000));
}

static const char *const format_types[UPLOAD_FORMATS] = {RESPOND_JSON, "text/plain; charset=utf-8",
                                                         "text/plain; charset=utf-8",
                                                         "text/vtt; charset=utf-8", RESPOND_JSON};

static void format_transcript(char *body, size_t size, enum upload_format format, double seconds,
                              unsigned instance)
{
    char text[64];
    char end[32];
    snprintf(text, sizeof text, "simulated transcript from instance %u", instance);
    format_time(end, seconds, format == UPLOAD_SRT ? ',' : '.');
    switch (format) {
    case UPLOAD_TEXT:
        snprintf(body, size, "%s", text);
        break;
    case UPLOAD_SRT:
        snprintf(body, size, "1\n00:00:00,000 --> %s\n%s\n\n", end, text);
        break;
    case UPLOAD_VTT:
        snprintf(body, size, "WEBVTT\n\n00:00:00.000 --> %s\n%s\n\n", end, text);
        break;
    case UPLOAD_VERBOSE_JSON:
        snprintf(body, size,
                 "{\"task\":\"transcribe\",\"language\":\"en\",\"duration\":%.3f,"
                 "\"text\":\"%s\",\"segments\":[{\"id\":0,\"start\":0.0,\"end\":%.3f,"
                 "\"text\":\"%s\"}]}",
                 seconds, text, seconds, text);
        break;
    default:
        snprintf(body, size, "{\"text\":\"%s\"}", text);
        break;
    }
}

void respond_transcript(struct conn *conn, enum upload_format format)
{
    char body[512];
    format_transcript(body, sizeof body, format, conn->upload.seconds, conn->instance->number);
    respond_with(
        conn, &(const struct response){.status = 200, .type = format_types[format], .body = body});
}

void respond_completion(struct conn *conn)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"id\":\"chatcmpl-%" PRIu64 "\",\"object\":\"chat.completion\",\"created\":%" PRId64
             ",\"model\":\"simulated\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
             "\"assistant\",\"content\":\"simulated answer from instance %u\"},\"finish_reason\":"
             "\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":5,"
             "\"total_tokens\":6}}",
             conn->record->id, (int64_t)conn->record->started, conn->instance->number);
    respond_with(conn, &(const struct response){.status = 200, .type = RESPOND_JSON, .body = body});
}
