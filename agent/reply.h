#ifndef LEASTJOBS_REPLY_H
#define LEASTJOBS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "state.h"

/*
 * HAProxy's agent-check (configuration manual, "agent-check"): HAProxy connects, sends the
 * server's agent-send string, reads one line and closes. Ours:
 *
 *   request = instance [ blanks weighting ] [ CR ] newline
 *   instance = "instance" number
 *   weighting = "inverse" / "external"
 *   reply = "up " percent "%" newline / "down #" reason newline / "unknown" newline
 *
 * "unknown" is no word of HAProxy's and changes nothing there: neither the weight nor the state
 * that it has of an instance that this agent has not seen working yet. A server that HAProxy has
 * just started is up with its full weight. Only "up" and "down" are said otherwise: "drain",
 * "maint" and "ready" would overrule the operator's own commands, and a percentage alone doesn't
 * raise a server that is down.
 */
#define REPLY_REQUEST_MAX 64
/* HAProxy keeps at most 127 characters of a reason. */
#define REPLY_MAX 160

enum weighting {
    WEIGHTING_INVERSE,  /* 100 / (1 + active jobs): for round robin or random */
    WEIGHTING_EXTERNAL, /* 100 - external jobs, as far as a weight goes: for rules like genconf's */
};

struct reply_request {
    unsigned number;
    enum weighting weighting;
};

/* Parses a request line without its newline. False if it isn't one. */
bool reply_parse(const char *line, size_t length, struct reply_request *request);

/* A weight in per cent: 1 to 100, or 0 for a drained instance. */
unsigned reply_weight(const struct state *state, enum weighting weighting);

/* Writes the reply with its newline; returns its length, below REPLY_MAX. */
size_t reply_format(char reply[REPLY_MAX], const struct state *state, enum weighting weighting);

#endif
