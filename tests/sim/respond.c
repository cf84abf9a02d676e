#include "respond.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"

enum { HEAD_BYTES_MAX = 1024, SMALL_REPLY_MAX = 4096 };

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Content Too Large"},
        {418, "I'm a teapot"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
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

bool respond_closes(const struct conn *conn)
{
    return !conn->request.keep_alive || !conn->instance->listening;
}

bool respond_without_body(const struct conn *conn)
{
    return slice_is(conn->request.method, "HEAD");
}

static const char *connection_field(const struct conn *conn)
{
    if (respond_closes(conn)) {
        return "Connection: close\r\n";
    }
    return conn->request.http10 ? "Connection: keep-alive\r\n" : "";
}

static size_t write_head(struct conn *conn, char head[HEAD_BYTES_MAX], int status, const char *type,
                         const char *framing, const char *fields)
{
    char excess[48] = "";
    conn->record->status = status;
    if (conn->kind == CONN_TRANSCRIPTION) {
        snprintf(excess, sizeof excess, "X-Sim-Excess: %" PRId64 "\r\n", conn->entry.excess);
    }
    int len = snprintf(
        head, HEAD_BYTES_MAX, "HTTP/1.1 %d %s\r\nX-Sim-Instance: %u\r\n%s%s%s%s%s%s%s\r\n", status,
        reason(status), conn->instance->number, excess, type != NULL ? "Content-Type: " : "",
        type != NULL ? type : "", type != NULL ? "\r\n" : "", framing, connection_field(conn),
        fields != NULL ? fields : "");
    return (size_t)len;
}

void respond_head(struct conn *conn, int status, const char *type, const char *framing)
{
    char head[HEAD_BYTES_MAX];
    size_t len = write_head(conn, head, status, type, framing, NULL);
    out_send(conn, head, len);
}

void respond_head_length(struct conn *conn, int status, const char *type, uint64_t length)
{
    char framing[64];
    snprintf(framing, sizeof framing, "Content-Length: %" PRIu64 "\r\n", length);
    respond_head(conn, status, type, framing);
}

static void send_reply(struct conn *conn, const struct reply *reply)
{
    char bytes[SMALL_REPLY_MAX];
    char framing[64] = "";
    bool bodiless = reply->status == 204 || reply->status == 304;
    if (!bodiless) {
        snprintf(framing, sizeof framing, "Content-Length: %zu\r\n", reply->body_len);
    }
    size_t len = write_head(conn, bytes, reply->status, reply->type, framing, reply->fields);
    bool with_body = !bodiless && !respond_without_body(conn) && reply->body_len > 0;
    /* One write, hence one packet, for all but the largest. */
    if (with_body && reply->body_len <= sizeof bytes - len) {
        memcpy(bytes + len, reply->body, reply->body_len);
        len += reply->body_len;
        with_body = false;
    }
    out_send(conn, bytes, len);
    if (with_body) {
        out_send(conn, reply->body, reply->body_len);
    }
}

void respond_reply(struct conn *conn, const struct reply *reply)
{
    send_reply(conn, reply);
    conn_finish_reply(conn, respond_closes(conn) ? CONN_CLOSE : CONN_KEEP);
}

static void detail_reply(struct conn *conn, int status, const char *detail, enum conn_after after)
{
    char body[256];
    int len = snprintf(body, sizeof body, "{\"detail\":\"%s\"}", detail);
    const struct reply reply = {
        .status = status, .type = "application/json", .body = body, .body_len = (size_t)len};
    send_reply(conn, &reply);
    conn_finish_reply(conn, after);
}

void respond_detail(struct conn *conn, int status, const char *detail)
{
    detail_reply(conn, status, detail, respond_closes(conn) ? CONN_CLOSE : CONN_KEEP);
}

void respond_refuse(struct conn *conn, const char *error)
{
    conn->request.keep_alive = false;
    detail_reply(conn, 400, error, CONN_REFUSE);
}

/* hh:mm:ss and milliseconds behind the mark: a comma in SRT, a point in WebVTT. */
static void format_time(char text[32], double seconds, char mark)
{
    uint64_t ms = (uint64_t)(seconds * 1000 + 0.5);
    snprintf(text, 32, "%02u:%02u:%02u%c%03u", (unsigned)(ms / 3600000 % 1000),
             (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), mark, (unsigned)(ms % 1000));
}

static const char *const format_types[UPLOAD_FORMATS] = {
    "application/json", "text/plain; charset=utf-8", "text/plain; charset=utf-8",
    "text/vtt; charset=utf-8", "application/json"};

static int format_transcript(char *body, size_t size, enum upload_format format, double seconds,
                             unsigned instance)
{
    char text[64];
    char end[32];
    snprintf(text, sizeof text, "simulated transcript from instance %u", instance);
    format_time(end, seconds, format == UPLOAD_SRT ? ',' : '.');
    switch (format) {
    case UPLOAD_TEXT:
        return snprintf(body, size, "%s", text);
    case UPLOAD_SRT:
        return snprintf(body, size, "1\n00:00:00,000 --> %s\n%s\n\n", end, text);
    case UPLOAD_VTT:
        return snprintf(body, size, "WEBVTT\n\n00:00:00.000 --> %s\n%s\n\n", end, text);
    case UPLOAD_VERBOSE_JSON:
        return snprintf(body, size,
                        "{\"task\":\"transcribe\",\"language\":\"en\",\"duration\":%.3f,"
                        "\"text\":\"%s\",\"segments\":[{\"id\":0,\"start\":0.0,\"end\":%.3f,"
                        "\"text\":\"%s\"}]}",
                        seconds, text, seconds, text);
    default:
        return snprintf(body, size, "{\"text\":\"%s\"}", text);
    }
}

void respond_transcript(struct conn *conn, enum upload_format format)
{
    char body[512];
    int len =
        format_transcript(body, sizeof body, format, conn->upload.seconds, conn->instance->number);
    const struct reply reply = {
        .status = 200, .type = format_types[format], .body = body, .body_len = (size_t)len};
    respond_reply(conn, &reply);
}

void respond_queued(struct conn *conn)
{
    char body[80];
    int len = snprintf(body, sizeof body, "{\"job_id\":\"%" PRIu64 "\",\"status\":\"queued\"}",
                       conn->record->id);
    const struct reply reply = {
        .status = 200, .type = "application/json", .body = body, .body_len = (size_t)len};
    respond_reply(conn, &reply);
}
