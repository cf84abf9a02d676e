/* What is answered to requests for health and load, right or wrong. */
#ifndef SIM_HEALTH_H
#define SIM_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct conn;

enum health_mode {
    HEALTH_OK,
    HEALTH_HANG,
    HEALTH_SLOW,
    HEALTH_TRICKLE,
    HEALTH_STATUS_500,
    HEALTH_STATUS_501,
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

/* Answers as the instance is told to. */
void health_answer(struct conn *conn);

/* The same when it has waited for as long as it was told to (CONN_WAIT). */
void health_answer_late(struct conn *conn);

#endif
