#include "websocket.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

enum {
    KEY_CHARS = 24,    /* of 16 bytes in base64 */
    ACCEPT_CHARS = 28, /* of a SHA-1 in base64 */
    PIECE_BYTES = 16 * 1024,
    PROTOCOL_ERROR = 1002
};

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f };

enum opcode { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

static unsigned opcode_of(const struct websocket *websocket)
{
    return websocket->head[0] & OPCODE;
}

static bool is_control(const struct websocket *websocket)
{
    return opcode_of(websocket) >= CLOSE;
}

/* --- the handshake */

bool websocket_refuse(struct conn *conn)
{
    const struct request *request = &conn->request;
    struct response response = {.status = 426,
                                .type = RESPOND_JSON,
                                .fields = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                                .body = "{\"detail\":\"a WebSocket of version 13 is wanted\"}"};
    if (!slice_is(request->method, "GET")) {
        response.status = 405;
    } else if (slice_is_nocase(request->upgrade, "websocket") && request->connection_upgrade &&
               slice_is(request->websocket_version, "13")) {
        response.status = 400;
        response.body = "{\"detail\":\"bad Sec-WebSocket-Key\"}";
        if (request->websocket_key.len == KEY_CHARS) {
            return false;
        }
    }
    respond_with(conn, &response);
    return true;
}

static void make_accept(struct slice key, char accept[ACCEPT_CHARS + 1])
{
    char text[KEY_CHARS + 64];
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned len = 0;
    int chars = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                         (int)key.len, key.at);
    EVP_Digest(text, (size_t)chars, digest, &len, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)len);
}

void websocket_begin(struct conn *conn)
{
    char accept[ACCEPT_CHARS + 1] = "";
    char head[512];
    make_accept(conn->request.websocket_key, accept);
    snprintf(head, sizeof head,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\nX-Sim-Instance: %u\r\nX-Sim-Excess: %" PRId64 "\r\n\r\n",
             accept, conn->instance->number, conn->entry.excess);
    conn->record->status = 101;
    conn->state = CONN_SOCKET;
    memset(&conn->websocket, 0, sizeof conn->websocket);
    wire_send_text(&conn->wire, head);
    conn_flush(conn);
}

/* --- sending */

static void send_head(struct conn *conn, unsigned first, uint64_t len)
{
    unsigned char head[10] = {(unsigned char)first};
    size_t bytes = len > UINT16_MAX ? 8 : 2;
    if (len <= WEBSOCKET_CONTROL_MAX) {
        head[1] = (unsigned char)len;
        bytes = 0;
    } else {
        head[1] = bytes == 8 ? 127 : 126;
    }
    for (size_t i = 0; i < bytes; i++) {
        head[2 + i] = (unsigned char)(len >> (8 * (bytes - 1 - i)));
    }
    wire_send(&conn->wire, (const char *)head, 2 + bytes);
}

static void send_control(struct conn *conn, enum opcode opcode, const unsigned char *bytes,
                         size_t len)
{
    send_head(conn, FIN | (unsigned)opcode, len);
    wire_send(&conn->wire, (const char *)bytes, len);
}

void websocket_close(struct conn *conn, unsigned status)
{
    const unsigned char payload[] = {(unsigned char)(status >> 8), (unsigned char)status};
    /* Between two of our frames only: else the other side would take it for payload. */
    if (!conn->websocket.in_payload || is_control(&conn->websocket)) {
        send_control(conn, CLOSE, payload, sizeof payload);
    }
    conn_finish(conn, CONN_CLOSE);
}

/* --- receiving */

static size_t head_wanted(const struct websocket *websocket)
{
    if (websocket->head_len < 2) {
        return 2;
    }
    unsigned length = websocket->head[1] & LENGTH;
    size_t more = length == 127 ? 8 : length == 126 ? 2 : 0;
    return 2 + more + ((websocket->head[1] & MASKED) != 0 ? 4 : 0);
}

/* What a frame that we can't go on with lacks (5.2, 5.4, 5.5). */
static bool is_good(const struct websocket *websocket)
{
    unsigned opcode = opcode_of(websocket);
    bool fin = (websocket->head[0] & FIN) != 0;
    if ((websocket->head[0] & RESERVED) != 0 || (websocket->head[1] & MASKED) == 0) {
        return false;
    }
    if (is_control(websocket)) {
        return opcode <= PONG && fin && websocket->len <= WEBSOCKET_CONTROL_MAX;
    }
    return opcode <= BINARY && (opcode == CONTINUATION) == websocket->fragmented &&
           websocket->len <= INT64_MAX;
}

static void begin_frame(struct conn *conn)
{
    struct websocket *websocket = &conn->websocket;
    size_t end = websocket->head_len - ((websocket->head[1] & MASKED) != 0 ? 4 : 0);
    websocket->len = websocket->head[1] & LENGTH;
    if (websocket->len > WEBSOCKET_CONTROL_MAX) {
        websocket->len = 0;
        for (size_t i = 2; i < end; i++) {
            websocket->len = websocket->len << 8 | websocket->head[i];
        }
    }
    websocket->at = 0;
    websocket->in_payload = true;
    if (!is_good(websocket)) {
        websocket->in_payload = false;
        websocket_close(conn, PROTOCOL_ERROR);
    } else if (!is_control(websocket)) {
        websocket->fragmented = (websocket->head[0] & FIN) == 0;
        send_head(conn, websocket->head[0], websocket->len);
    }
}

static size_t take_head(struct conn *conn, const char *bytes, size_t len)
{
    struct websocket *websocket = &conn->websocket;
    size_t take = head_wanted(websocket) - websocket->head_len;
    take = take < len ? take : len;
    memcpy(websocket->head + websocket->head_len, bytes, take);
    websocket->head_len += take;
    if (websocket->head_len >= 2 && websocket->head_len == head_wanted(websocket)) {
        begin_frame(conn);
    }
    return take;
}

static size_t take_payload(struct conn *conn, const char *bytes, size_t len)
{
    struct websocket *websocket = &conn->websocket;
    const unsigned char *mask = websocket->head + websocket->head_len - 4;
    unsigned char piece[PIECE_BYTES];
    size_t take = len < sizeof piece ? len : sizeof piece;
    if (take > websocket->len - websocket->at) {
        take = (size_t)(websocket->len - websocket->at);
    }
    for (size_t i = 0; i < take; i++) {
        piece[i] = (unsigned char)bytes[i] ^ mask[(websocket->at + i) % 4];
    }
    if (is_control(websocket)) {
        memcpy(websocket->control + websocket->at, piece, take);
    } else {
        wire_send(&conn->wire, (const char *)piece, take);
    }
    websocket->at += take;
    return take;
}

static void end_frame(struct conn *conn)
{
    struct websocket *websocket = &conn->websocket;
    unsigned opcode = opcode_of(websocket);
    websocket->in_payload = false;
    websocket->head_len = 0;
    if (opcode == PING) {
        send_control(conn, PONG, websocket->control, (size_t)websocket->len);
    } else if (opcode == CLOSE) {
        /* The same status back (5.5.1). */
        send_control(conn, CLOSE, websocket->control, websocket->len >= 2 ? 2 : 0);
        conn_finish(conn, CONN_CLOSE);
    }
}

size_t websocket_take(struct conn *conn, const char *bytes, size_t len)
{
    size_t used =
        conn->websocket.in_payload ? take_payload(conn, bytes, len) : take_head(conn, bytes, len);
    if (conn->state == CONN_SOCKET && conn->websocket.in_payload &&
        conn->websocket.at == conn->websocket.len) {
        end_frame(conn);
    }
    if (conn->state == CONN_SOCKET) {
        conn_flush(conn);
    }
    return used;
}
