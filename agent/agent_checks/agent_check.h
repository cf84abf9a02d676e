#ifndef LEASTJOBS_AGENT_CHECK_H
#define LEASTJOBS_AGENT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "instances/instance.h"

/*
 * HAProxy's agent-check (configuration manual, "agent-check"): HAProxy connects, sends the
 * server's agent-send string, reads one line and closes. Ours:
 *
 *   request = instance [ blanks weighting ] [ CR ] newline
 *   instance = "instance" number
 *   weighting = "inverse" / "external"
 *   answer = "up" [ " " percent "%" ] newline / "down #" reason newline / "unknown" newline
 *
 * "unknown" is no word of HAProxy's and changes nothing there: neither the weight nor the state
 * that it has of an instance that this agent has not seen working yet. A server that HAProxy has
 * just started is up with its full weight. Only "up" and "down" are said otherwise: "drain",
 * "maint" and "ready" would overrule the operator's own commands, and a percentage alone doesn't
 * raise a server that is down. The weight of a drained instance isn't said again once HAProxy has
 * it: up to 2.8 that writes a line about the server each time.
 */
#define AGENT_CHECK_REQUEST_MAX 64
/* HAProxy keeps at most 127 characters of a reason. */
#define AGENT_CHECK_ANSWER_MAX 160

enum weighting {
    WEIGHTING_INVERSE,  /* 100 / (1 + active jobs): for round robin or random */
    WEIGHTING_EXTERNAL, /* 100 - external jobs, as far as a weight goes: for rules like genconf's */
};

struct agent_check_request {
    unsigned number;
    enum weighting weighting;
};

/* Parses a request line without its newline. False if it isn't one. */
bool agent_check_parse(const char *line, size_t length, struct agent_check_request *request);

/* A weight in per cent: 1 to 100, or 0 for a drained instance. */
unsigned agent_check_weight(const struct instance *instance, enum weighting weighting);

/* Writes the answer with its newline; returns its length, below AGENT_CHECK_ANSWER_MAX. */
size_t agent_check_format(char answer[AGENT_CHECK_ANSWER_MAX], const struct instance *instance,
                          enum weighting weighting);

#endif
