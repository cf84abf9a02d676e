#include "odd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

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

bool odd_is_stream(const struct odd *odd)
{
    return odd->kind == ODD_SSE || odd->kind == ODD_SSE_PIECES;
}

/* One chunk for each piece. */
static void send_piece(struct conn *conn)
{
    char piece[64];
    char chunk[80];
    uint64_t n = ++conn->pieces;
    int len = odd_is_stream(&conn->odd)
                  ? snprintf(piece, sizeof piece,
                             "id: %" PRIu64 "\ndata: {\"event\":%" PRIu64 "}\n\n", n, n)
                  : snprintf(piece, sizeof piece, "piece %" PRIu64 "\n", n);
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
        wire_stop_timer(&conn->wire);
        respond_finish(conn);
        return;
    }
    conn_hold(conn);
    if (conn->odd.kind == ODD_SSE) {
        wire_set_timer(&conn->wire, DRIP_MS);
    }
}

/* Server-sent events. */
static void odd_sse(struct conn *conn)
{
    respond_head(conn, 200, "text/event-stream", CHUNKED "Cache-Control: no-cache\r\n");
    odd_release(conn, 1);
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
    [ODD_SSE] = {"sse:", NUMBER_SMALL, odd_sse},
    [ODD_SSE_PIECES] = {"sse-pieces:", NUMBER_SMALL, odd_sse},
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
