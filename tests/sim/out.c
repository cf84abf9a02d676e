#include "out.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "transport.h"

/* Keeps bytes for later. */
static void out_keep(struct out *out, const char *bytes, size_t len)
{
    if (out->sent == out->len) {
        out->sent = out->len = 0;
    }
    if (out->cap - out->len < len) {
        size_t cap = (out->len + len) * 2;
        char *grown = realloc(out->bytes, cap);
        if (grown == NULL) {
            out->broken = true;
            return;
        }
        out->bytes = grown;
        out->cap = cap;
    }
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

/* Writes once: the number of bytes that went, also 0. */
static size_t out_write(struct conn *conn, const char *bytes, size_t len)
{
    ssize_t n = transport_write(conn->tls, conn->fd, bytes, len);
    if (n == TRANSPORT_AGAIN) {
        return 0;
    }
    if (n < 0) {
        conn->out.broken = true;
        return 0;
    }
    return (size_t)n;
}

void out_send(struct conn *conn, const char *bytes, size_t len)
{
    struct out *out = &conn->out;
    bool direct = out->sent == out->len && out->source.len == 0 && out->quantum == 0;
    while (direct && len > 0 && !out->broken) {
        size_t n = out_write(conn, bytes, len);
        if (n == 0) {
            break;
        }
        bytes += n;
        len -= n;
    }
    if (len > 0 && !out->broken) {
        out_keep(out, bytes, len);
    }
}

void out_drip(struct conn *conn, size_t quantum, unsigned tick_ms)
{
    conn->out.quantum = quantum;
    conn->out.tick_ms = tick_ms;
}

void out_source(struct conn *conn, struct source source, const char *tail)
{
    conn->out.source = source;
    conn->out.tail = tail;
}

/* Up to a number of bytes of the kept ones. False: blocked. */
static bool flush_bytes(struct conn *conn, size_t max)
{
    struct out *out = &conn->out;
    while (out->sent < out->len && max > 0) {
        size_t len = out->len - out->sent;
        size_t n = out_write(conn, out->bytes + out->sent, len < max ? len : max);
        if (n == 0) {
            return false;
        }
        out->sent += n;
        max -= n;
    }
    return true;
}

/* Not more than some MB at a time: a fast reader must not keep the others waiting. */
static bool flush_source(struct conn *conn)
{
    struct out *out = &conn->out;
    const char *bytes;
    size_t len;
    for (int turn = 0; turn < 64 && (len = source_peek(&out->source, &bytes)) > 0; turn++) {
        size_t n = out_write(conn, bytes, len);
        if (n == 0) {
            return false;
        }
        out->source.at += n;
    }
    if (out->source.at < out->source.len) {
        return false;
    }
    out->source = (struct source){0};
    if (out->tail != NULL) {
        out_keep(out, out->tail, strlen(out->tail));
        out->tail = NULL;
    }
    return true;
}

static enum out_result flush_drip(struct conn *conn)
{
    struct out *out = &conn->out;
    if (!out->dripping && flush_bytes(conn, out->quantum) && out->sent < out->len) {
        const struct timeval tick = {out->tick_ms / 1000, (out->tick_ms % 1000) * 1000};
        out->dripping = evtimer_add(&conn->timer, &tick) == 0;
        return OUT_BLOCKED;
    }
    if (out->sent < out->len) {
        if (!out->dripping) {
            event_add(&conn->write_event, NULL);
        }
        return OUT_BLOCKED;
    }
    out->quantum = 0;
    return OUT_DONE;
}

enum out_result out_flush(struct conn *conn)
{
    struct out *out = &conn->out;
    enum out_result result = OUT_DONE;
    if (out->quantum > 0 && !out->broken) {
        result = flush_drip(conn);
    } else if (!out->broken) {
        if (!flush_bytes(conn, SIZE_MAX) || !flush_source(conn) || !flush_bytes(conn, SIZE_MAX)) {
            event_add(&conn->write_event, NULL);
            result = OUT_BLOCKED;
        }
    }
    return out->broken ? OUT_BROKEN : result;
}

void out_tick(struct conn *conn)
{
    conn->out.dripping = false;
}

void out_free(struct out *out)
{
    free(out->bytes);
    memset(out, 0, sizeof *out);
}
