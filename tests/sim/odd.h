/* The odd responses: those that are asked for by name (X-Sim-Response, or an instance's setting).
 */
#ifndef SIM_ODD_H
#define SIM_ODD_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"

struct conn;

enum odd_kind {
    ODD_NONE,
    ODD_STATUS,
    ODD_CHUNKED,
    ODD_DRIP,
    ODD_DRIP_TEXT,
    ODD_BIG,
    ODD_VTT,
    ODD_DUP,
    ODD_EMPTY,
    ODD_ABORT,
    ODD_ABORT_CHUNKED,
    ODD_CLOSE,
    ODD_RESET,
    ODD_EARLY,
    ODD_PIECES,
    ODD_HALVES,
    ODD_SSE,
    ODD_SSE_PIECES,
    ODD_JOB_ID,
    ODD_JOB_ID_DEEP,
    ODD_JOB_ID_CHUNKED,
    ODD_JOB_ID_TEXT,
    ODD_JOB_ID_BIG
};

enum { ODD_NAME_MAX = 40 };

struct odd {
    enum odd_kind kind;
    uint64_t number; /* the status, the size or the number of pieces, where it has one */
};

/* Reads a name, with its number if it has one. False: no such response. */
bool odd_parse(struct slice value, struct odd *odd);

/* The same the other way round; empty for ODD_NONE. */
void odd_format(const struct odd *odd, char name[ODD_NAME_MAX]);

/* Sends conn->odd, which isn't ODD_NONE. */
void odd_respond(struct conn *conn);

/* Does the response go on for as long as its job does? */
bool odd_is_stream(const struct odd *odd);

/* Sends n further pieces (n < 0: all) of a response that is held; no more than there are. */
void odd_release(struct conn *conn, int64_t n);

#endif
