#include "respond.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"

/* --- ordinary responses */

enum { HEAD_BYTES_MAX = 1024, SMALL_RESPONSE_MAX = 4096 };

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

static bool closes(const struct conn *conn)
{
    return !conn->request.keep_alive || !conn->instance->listening;
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
    bool bodiless = response->status == 204 || response->status == 304;
    if (!bodiless) {
        snprintf(framing, sizeof framing, "Content-Length: %zu\r\n", body.len);
    }
    size_t len =
        write_head(conn, bytes, response->status, response->type, framing, response->fields);
    bool with_body = !bodiless && !respond_without_body(conn) && body.len > 0;
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

void respond_queued(struct conn *conn)
{
    char body[80];
    snprintf(body, sizeof body, "{\"job_id\":\"%" PRIu64 "\",\"status\":\"queued\"}",
             conn->record->id);
    respond_with(conn, &(const struct response){.status = 200, .type = RESPOND_JSON, .body = body});
}

/* --- odd responses */

enum {
    STATUS_MIN = 200,
    STATUS_MAX = 599,
    DRIP_MS = 100,
    DRIP_CHUNK_BYTES = 6, /* 1 CRLF x CRLF */
    ABORT_LENGTH = 1000,
    SMALL_MAX = 64 * 1024 /* what is asked for in bytes or pieces and isn't big:N */
};

#define CHUNKED "Transfer-Encoding: chunked\r\n"

static void odd_status(struct conn *conn)
{
    respond_detail(conn, (int)conn->odd.number, "simulated status");
}

static void odd_chunked(struct conn *conn)
{
    respond_head(conn, 200, "text/plain", CHUNKED);
    if (!respond_without_body(conn)) {
        wire_send_text(&conn->wire, "6\r\nhello \r\n");
        wire_send_text(&conn->wire, "8\r\nchunked \r\n");
        wire_send_text(&conn->wire, "5\r\nworld\r\n0\r\n\r\n");
    }
    respond_finish(conn);
}

static void odd_drip(struct conn *conn)
{
    respond_head(conn, 200, "text/plain", CHUNKED);
    if (!respond_without_body(conn)) {
        wire_drip(&conn->wire, DRIP_CHUNK_BYTES, DRIP_MS);
        wire_send_text(&conn->wire, "1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n1\r\n3\r\n1\r\n4\r\n"
                                    "1\r\n5\r\n1\r\n6\r\n1\r\n7\r\n1\r\n8\r\n1\r\n9\r\n0\r\n\r\n");
    }
    respond_finish(conn);
}

static void odd_drip_text(struct conn *conn)
{
    conn->request.keep_alive = false;
    respond_head(conn, 200, "text/plain", "");
    if (!respond_without_body(conn)) {
        wire_drip(&conn->wire, 1, DRIP_MS);
        wire_send_text(&conn->wire, "0123456789");
    }
    respond_finish(conn);
}

static void odd_big(struct conn *conn)
{
    respond_head_length(conn, 200, "application/octet-stream", conn->odd.number);
    if (!respond_without_body(conn)) {
        wire_fill(&conn->wire, filler_pattern(conn->odd.number), NULL);
    }
    respond_finish(conn);
}

static void odd_vtt(struct conn *conn)
{
    respond_transcript(conn, UPLOAD_VTT);
}

static void odd_dup(struct conn *conn)
{
    respond_with(conn, &(const struct response){.status = 200,
                                                .type = RESPOND_JSON,
                                                .fields = "Set-Cookie: first=1; Path=/\r\n"
                                                          "Set-Cookie: second=2; Path=/\r\n"
                                                          "X-Dup: one\r\n"
                                                          "X-Dup: two\r\n"
                                                          "Warning: 199 - \"simulated\"\r\n",
                                                .body = "{\"text\":\"duplicated fields\"}"});
}

static void odd_empty(struct conn *conn)
{
    respond_with(conn, &(const struct response){.status = 200});
}

static void odd_abort(struct conn *conn)
{
    respond_head_length(conn, 200, "text/plain", ABORT_LENGTH);
    wire_send_text(&conn->wire, "0123456789");
    conn_finish(conn, CONN_CLOSE);
}

static void odd_abort_chunked(struct conn *conn)
{
    respond_head(conn, 200, "text/plain", CHUNKED);
    wire_send_text(&conn->wire, "6\r\nhello \r\n");
    conn_finish(conn, CONN_CLOSE);
}

static void odd_close(struct conn *conn)
{
    conn_finish(conn, CONN_CLOSE);
}

static void odd_reset(struct conn *conn)
{
    conn_finish(conn, CONN_RESET);
}

static void odd_early(struct conn *conn)
{
    conn->request.keep_alive = false;
    respond_detail(conn, (int)conn->odd.number, "simulated early answer");
}

/* One chunk for each piece. */
static void send_piece(struct conn *conn)
{
    char piece[32];
    char chunk[64];
    int len = snprintf(piece, sizeof piece, "piece %" PRIu64 "\n", ++conn->pieces);
    snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", (unsigned)len, piece);
    wire_send_text(&conn->wire, chunk);
    if (conn->pieces == conn->odd.number) {
        wire_send_text(&conn->wire, "0\r\n\r\n");
    }
}

/* The half before or behind the middle of a JSON string. */
static void send_half(struct conn *conn)
{
    static const char filling[] =
        "................................................................";
    uint64_t half = conn->odd.number / 2;
    uint64_t left = conn->pieces++ == 0 ? half : conn->odd.number - half;
    wire_send_text(&conn->wire, conn->pieces == 1 ? "\"" : "");
    for (left--; left > 0;) {
        size_t part = left < sizeof filling - 1 ? (size_t)left : sizeof filling - 1;
        wire_send(&conn->wire, filling, part);
        left -= part;
    }
    wire_send_text(&conn->wire, conn->pieces == 2 ? "\"" : "");
}

void odd_release(struct conn *conn, int64_t n)
{
    bool halves = conn->odd.kind == ODD_HALVES;
    uint64_t last = halves ? 2 : conn->odd.number;
    while (n != 0 && conn->pieces < last) {
        if (halves) {
            send_half(conn);
        } else {
            send_piece(conn);
        }
        n -= n > 0;
    }
    if (conn->pieces == last) {
        respond_finish(conn);
    } else {
        conn_hold(conn);
    }
}

static void odd_pieces(struct conn *conn)
{
    respond_head(conn, 200, "text/plain", CHUNKED);
    odd_release(conn, 1);
}

static void odd_halves(struct conn *conn)
{
    respond_head_length(conn, 200, RESPOND_JSON, conn->odd.number);
    odd_release(conn, 1);
}

/* JSON with the job's number, at the top or one level below; returns its length. */
static size_t write_job_id(const struct conn *conn, bool deep, char body[SMALL_MAX + 1])
{
    int len =
        snprintf(body, SMALL_MAX + 1, "{%s\"%" PRIu64 "\"}%s",
                 deep ? "\"job\":{\"id\":" : "\"job_id\":", conn->record->id, deep ? "}" : "");
    return (size_t)len;
}

/* Filled up with blanks to that many bytes. */
static void job_id(struct conn *conn, const char *type, bool deep, size_t bytes)
{
    char body[SMALL_MAX + 1];
    size_t len = write_job_id(conn, deep, body);
    if (bytes > len) {
        memset(body + len, ' ', bytes - len);
        body[bytes] = '\0';
    }
    respond_with(conn, &(const struct response){.status = 200, .type = type, .body = body});
}

static void odd_job_id(struct conn *conn)
{
    job_id(conn, RESPOND_JSON, false, 0);
}

static void odd_job_id_deep(struct conn *conn)
{
    job_id(conn, RESPOND_JSON, true, 0);
}

static void odd_job_id_chunked(struct conn *conn)
{
    char body[SMALL_MAX + 1];
    char size[16];
    snprintf(size, sizeof size, "%zx\r\n", write_job_id(conn, false, body));
    respond_head(conn, 200, RESPOND_JSON, CHUNKED);
    wire_send_text(&conn->wire, size);
    wire_send_text(&conn->wire, body);
    wire_send_text(&conn->wire, "\r\n0\r\n\r\n");
    respond_finish(conn);
}

static void odd_job_id_text(struct conn *conn)
{
    job_id(conn, "text/plain", false, 0);
}

static void odd_job_id_big(struct conn *conn)
{
    job_id(conn, RESPOND_JSON, false, (size_t)conn->odd.number);
}

enum odd_number { NUMBER_NONE, NUMBER_STATUS, NUMBER_SIZE, NUMBER_SMALL };

static const struct {
    const char *name;
    enum odd_number number;
    void (*respond)(struct conn *conn);
} odds[] = {
    [ODD_STATUS] = {"status:", NUMBER_STATUS, odd_status},
    [ODD_CHUNKED] = {"chunked", NUMBER_NONE, odd_chunked},
    [ODD_DRIP] = {"drip", NUMBER_NONE, odd_drip},
    [ODD_DRIP_TEXT] = {"drip-text", NUMBER_NONE, odd_drip_text},
    [ODD_BIG] = {"big:", NUMBER_SIZE, odd_big},
    [ODD_VTT] = {"vtt", NUMBER_NONE, odd_vtt},
    [ODD_DUP] = {"dup", NUMBER_NONE, odd_dup},
    [ODD_EMPTY] = {"empty", NUMBER_NONE, odd_empty},
    [ODD_ABORT] = {"abort", NUMBER_NONE, odd_abort},
    [ODD_ABORT_CHUNKED] = {"abort-chunked", NUMBER_NONE, odd_abort_chunked},
    [ODD_CLOSE] = {"close", NUMBER_NONE, odd_close},
    [ODD_RESET] = {"reset", NUMBER_NONE, odd_reset},
    [ODD_EARLY] = {"early:", NUMBER_STATUS, odd_early},
    [ODD_PIECES] = {"pieces:", NUMBER_SMALL, odd_pieces},
    [ODD_HALVES] = {"halves:", NUMBER_SMALL, odd_halves},
    [ODD_JOB_ID] = {"job-id", NUMBER_NONE, odd_job_id},
    [ODD_JOB_ID_DEEP] = {"job-id-deep", NUMBER_NONE, odd_job_id_deep},
    [ODD_JOB_ID_CHUNKED] = {"job-id-chunked", NUMBER_NONE, odd_job_id_chunked},
    [ODD_JOB_ID_TEXT] = {"job-id-text", NUMBER_NONE, odd_job_id_text},
    [ODD_JOB_ID_BIG] = {"job-id-big:", NUMBER_SMALL, odd_job_id_big},
};

static bool is_in_range(enum odd_number kind, uint64_t number)
{
    if (kind == NUMBER_STATUS) {
        return number >= STATUS_MIN && number <= STATUS_MAX;
    }
    return kind == NUMBER_SIZE || (number >= 2 && number <= SMALL_MAX);
}

static bool parse_as(struct slice value, enum odd_kind kind, struct odd *odd)
{
    const char *name = odds[kind].name;
    if (odds[kind].number == NUMBER_NONE) {
        odd->kind = kind;
        return slice_is(value, name);
    }
    odd->kind = kind;
    return slice_take_prefix(&value, name) && slice_to_number(value, &odd->number) &&
           is_in_range(odds[kind].number, odd->number);
}

bool odd_parse(struct slice value, struct odd *odd)
{
    if (slice_is(value, "204") || slice_is(value, "418")) {
        odd->kind = ODD_STATUS;
        return slice_to_number(value, &odd->number);
    }
    for (size_t i = ODD_STATUS; i < sizeof odds / sizeof odds[0]; i++) {
        if (parse_as(value, (enum odd_kind)i, odd)) {
            return true;
        }
    }
    odd->kind = ODD_NONE;
    return false;
}

void odd_format(const struct odd *odd, char name[ODD_NAME_MAX])
{
    const char *text = odd->kind == ODD_NONE ? "" : odds[odd->kind].name;
    if (odd->kind != ODD_NONE && odds[odd->kind].number != NUMBER_NONE) {
        snprintf(name, ODD_NAME_MAX, "%s%" PRIu64, text, odd->number);
    } else {
        snprintf(name, ODD_NAME_MAX, "%s", text);
    }
}

void odd_respond(struct conn *conn)
{
    odds[conn->odd.kind].respond(conn);
}
