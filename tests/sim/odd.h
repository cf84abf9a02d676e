/* Odd responses, asked for by the request field X-Sim-Response. */
#ifndef SIM_ODD_H
#define SIM_ODD_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

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
    ODD_EARLY
};

struct odd {
    enum odd_kind kind;
    uint64_t number; /* the status (ODD_STATUS, ODD_EARLY) or the size (ODD_BIG) */
};

struct conn;

/* Reads the field's value. False: no such response. */
bool odd_parse(struct slice value, struct odd *odd);

/* Sends conn->odd, which isn't ODD_NONE. */
void odd_respond(struct conn *conn);

#endif
