#ifndef LEASTJOBS_MISMATCH_H
#define LEASTJOBS_MISMATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether this agent and the HAProxy that asks it mean the same HAPROXY_SOCKET. If they don't, the
 * agent sees none of HAProxy's jobs in flight, and HAProxy adds its own to them once more. It shows
 * when nobody is behind the socket for MISMATCH_AFTER_MS while agent-checks keep coming. One that
 * has just started asks a moment before its socket is looked at, and one that has just ended has
 * asked a moment ago: neither is taken for it. Pure; a plain value.
 */
#define MISMATCH_AFTER_MS 10000
/* Agent-checks are at most a second apart: who hasn't asked for so long asks no more. */
#define MISMATCH_PAUSE_MS 3000

struct mismatch {
    uint64_t signs;     /* as of the last look */
    uint64_t questions; /* the same */
    int64_t sign_ms;    /* when somebody was behind the socket, at the latest */
    int64_t asked_ms;   /* when the last question came */
    int64_t asking_ms;  /* since when they come without a pause */
    bool is_said;       /* since the last sign */
};

void mismatch_start(struct mismatch *mismatch, int64_t now_ms);

/*
 * To be called every second or so. `signs` counts how often somebody was behind the socket, with an
 * answer or without, `questions` the agent-checks of rules like genconf's. True if it is time to
 * warn: once, until there is a sign again.
 */
bool mismatch_look(struct mismatch *mismatch, uint64_t signs, uint64_t questions, int64_t now_ms);

#endif
