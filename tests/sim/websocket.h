/* A WebSocket (RFC 6455) that sends back what it gets: the handshake, then frame by frame with the
 * same opcode, unmasked, as the bytes come. A ping is answered, a close is answered and ends it. */
#ifndef SIM_WEBSOCKET_H
#define SIM_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

enum {
    WEBSOCKET_HEAD_MAX = 14,            /* of a frame: two bytes, a long length, a mask */
    WEBSOCKET_CONTROL_MAX = 125,        /* bytes in a control frame (5.5) */
    WEBSOCKET_PENDING_MAX = 256 * 1024, /* to be written, before reading stops */
    WEBSOCKET_GOING_AWAY = 1001         /* a close's status (7.4.1) */
};

/* Part of its owner's allocation; all zero: before the first frame. */
struct websocket {
    unsigned char head[WEBSOCKET_HEAD_MAX]; /* of the frame that is coming */
    size_t head_len;
    uint64_t len, at; /* of its payload: in all, and seen */
    bool in_payload;
    bool fragmented; /* a message has begun and isn't over */
    unsigned char control[WEBSOCKET_CONTROL_MAX];
};

/* Refuses a request that asks for no WebSocket, or for none that there is. False: it is a good one.
 */
bool websocket_refuse(struct conn *conn);

/* Answers the handshake; the connection is a WebSocket then (CONN_SOCKET). */
void websocket_begin(struct conn *conn);

/* Takes what came; returns how much of it. */
size_t websocket_take(struct conn *conn, const char *bytes, size_t len);

/* Sends a close frame and closes the connection. */
void websocket_close(struct conn *conn, unsigned status);

#endif
