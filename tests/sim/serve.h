/* The server that is played: which requests it knows, and what is done, counted and recorded when,
 * from a request's head to its answer. And what it answers to health requests, right or wrong. */
#ifndef SIM_SERVE_H
#define SIM_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

struct conn;

/* A request's head has arrived and is well formed (conn->record, conn->request). Goes on to
 * CONN_BODY, or serves the request if it has no body or needs none. */
void serve_begin(struct conn *conn);

/* The body has arrived whole. */
void serve_whole(struct conn *conn);

/* A health request has waited for as long as it was told to (CONN_WAIT). */
void serve_late(struct conn *conn);

/* Something malformed: in the head (conn->record has just been made) or later, in the body. */
void serve_refuse(struct conn *conn, const char *error);

/* The other side has closed inside a head (conn->record has just been made of what came). */
void serve_broken_head(struct conn *conn);

/* The request is over, in whatever state it was: the one place where that is counted and
 * recorded. Without a request it does nothing. */
void serve_end(struct conn *conn, enum record_outcome outcome);

enum health_mode {
    HEALTH_OK,
    HEALTH_HANG,
    HEALTH_SLOW,
    HEALTH_TRICKLE,
    HEALTH_STATUS_500,
    HEALTH_STATUS_503,
    HEALTH_STATUS_404,
    HEALTH_STATUS_401,
    HEALTH_GARBAGE,
    HEALTH_NOJSON,
    HEALTH_EMPTY,
    HEALTH_HUGE,
    HEALTH_HUGE_CHUNKED,
    HEALTH_NESTED_DEEP,
    HEALTH_NAN,
    HEALTH_INF,
    HEALTH_NEGATIVE,
    HEALTH_FRACTION,
    HEALTH_STRING,
    HEALTH_NULL,
    HEALTH_MISSING,
    HEALTH_ABSURD,
    HEALTH_REDIRECT,
    HEALTH_CLOSE,
    HEALTH_TRAILING,
    HEALTH_MODES
};

enum {
    HEALTH_NAME_MAX = 32,
    HEALTH_SLOW_MS_MAX = 24 * 3600 * 1000 /* of slow:MS */
};

struct health {
    enum health_mode mode;
    int64_t slow_ms; /* of HEALTH_SLOW */
};

/* "ok", "slow:500", … False: no such mode. */
bool health_parse(const char *name, struct health *health);

/* The other way round. */
void health_format(const struct health *health, char name[HEALTH_NAME_MAX]);

#endif
