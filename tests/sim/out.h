/* What is still to be written on a connection: bytes, then a generated body, then a static tail;
 * at full speed or dripping. Bytes are written at once if possible and copied only if not. */
#ifndef SIM_OUT_H
#define SIM_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "source.h"

struct conn;

struct out {
    char *bytes; /* owned */
    size_t len, cap, sent;
    struct source source; /* len 0: none */
    const char *tail;     /* static text, sent behind the source; or NULL */
    size_t quantum;       /* bytes per tick; 0: no dripping */
    unsigned tick_ms;
    bool dripping; /* waiting for the next tick */
    bool broken;   /* writing failed */
};

enum out_result { OUT_DONE, OUT_BLOCKED, OUT_BROKEN };

/* Sends bytes as soon as everything before them is out. Errors show in out_flush(). */
void out_send(struct conn *conn, const char *bytes, size_t len);

/* From now on `quantum` bytes every tick_ms, until everything is sent. */
void out_drip(struct conn *conn, size_t quantum, unsigned tick_ms);

/* Adds a generated body (after the bytes) and a static tail. */
void out_source(struct conn *conn, struct source source, const char *tail);

/* Writes what can be written; if something is left, arranges for conn's write event (or timer) to
 * come. */
enum out_result out_flush(struct conn *conn);

/* A tick of the timer. */
void out_tick(struct conn *conn);

void out_free(struct out *out);

#endif
