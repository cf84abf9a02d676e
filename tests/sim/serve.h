/* A request's life: what is done, counted and recorded when, from its head to its answer. */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include "record.h"

struct conn;

/* A request's head has arrived and is well formed (conn->record, conn->request). Goes on to
 * CONN_BODY, or serves the request if it has no body or needs none. */
void serve_begin(struct conn *conn);

/* The body has arrived whole. */
void serve_whole(struct conn *conn);

/* The same, after it has waited for a thread. */
void serve_now(struct conn *conn);

/* Something malformed: in the head (conn->record has just been made) or later, in the body. */
void serve_refuse(struct conn *conn, const char *error);

/* The other side has closed inside a head (conn->record has just been made of what came). */
void serve_broken_head(struct conn *conn);

/* The request is over, in whatever state it was: the one place where that is counted and
 * recorded. Without a request it does nothing. */
void serve_end(struct conn *conn, enum record_outcome outcome);

#endif
