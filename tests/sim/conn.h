/* One accepted connection and the request that is being dealt with on it.
 *
 * An instance owns its connections. Whatever is called from outside (events, jobs, the control
 * endpoint) goes through conn_enter() and conn_leave(): a connection may come to its end deep
 * inside, but is freed only when the last conn_leave() has been reached. */
#ifndef SIM_CONN_H
#define SIM_CONN_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"
#include "instance.h"
#include "jobs_api.h"
#include "odd.h"
#include "record.h"
#include "upload.h"
#include "websocket.h"
#include "wire.h"

enum {
    CONN_STASH_MAX = 256 * 1024,    /* pipelined bytes kept before reading stops (plus one read) */
    CONN_READS_MAX = 8,             /* reads in a row before others have their turn */
    CONN_DRAIN_BYTES_MAX = 1 << 20, /* read and dropped after a refusal, so that it arrives */
    CONN_DRAIN_MS = 1000
};

enum conn_state {
    CONN_HEAD, /* reading a request's head, or idle */
    CONN_BODY,
    CONN_LOCKED,   /* a request that has arrived whole and waits for a thread */
    CONN_JOB,      /* waiting or running */
    CONN_WAIT,     /* a health request that is answered later or never */
    CONN_RESPONSE, /* being written */
    CONN_HELD,     /* a part of the response is out, the rest waits for odd_release() */
    CONN_SOCKET,   /* a WebSocket */
    CONN_DRAIN     /* refused, waiting for the other side to close */
};

enum conn_kind {
    CONN_HEALTH,
    CONN_WORK, /* a request that is a job */
    CONN_OTHER
};

/* What happens when the response has been written. */
enum conn_after { CONN_KEEP, CONN_CLOSE, CONN_RESET, CONN_REFUSE };

struct route;

struct conn {
    TAILQ_ENTRY(conn) link;
    struct instance *instance; /* while a request of the oracle's is open: the one that got it */
    bool of_metrics;           /* accepted at the instance's second address */
    bool of_oracle;            /* accepted by the oracle, and returns there */
    uint64_t number;
    struct wire wire;
    enum conn_state state;
    enum conn_kind kind;
    enum conn_after after;
    unsigned busy; /* depth of conn_enter() */
    bool doomed;
    bool reading;   /* the wire is watched */
    bool uploading; /* counted as such */
    bool job_ended; /* the request had a job, which took its time */
    bool detached;  /* the request's job is an async one, and not ours any more */

    char *stash; /* owned; bytes received that can't be dealt with yet */
    size_t stash_len, stash_cap;
    size_t scanned; /* of the head, see request_scan() */
    size_t drained;

    struct record *record; /* held; NULL between requests */
    struct request request;
    const struct route *route; /* by which it is served; not owned */
    struct jobs_path jobs_path;
    struct body body;
    struct upload upload;
    struct job job;
    struct odd odd;
    struct websocket websocket;
    uint64_t pieces;         /* of a held response: sent so far */
    const char *steer_error; /* a bad X-Sim- field; static text or NULL */
    int64_t job_time_us;     /* from X-Sim-Job-Time; only if has_job_time */
    bool has_job_time;
    enum jobs_accepted accepted; /* from X-Sim-Accepted */
    uint64_t result_bytes;       /* from X-Sim-Result-Bytes, or the usual number */
    struct joblog_entry entry;   /* of a transcription */
};

/* Takes over a socket that was accepted (at the address for metrics?) and reads what is there. */
void conn_open(struct instance *instance, int fd, bool of_metrics);

void conn_enter(struct conn *conn);
void conn_leave(struct conn *conn); /* the connection may be gone afterwards */

/* Marks the connection as to be closed; reset: with a TCP reset. Between enter and leave. */
void conn_doom(struct conn *conn, bool reset);

/* The response's bytes have all been handed to conn->wire: write them, then do what `after` says.
 */
void conn_finish(struct conn *conn, enum conn_after after);

/* Writes what can be written; the response is over when all of it is out and conn_finish() has been
 * called. */
void conn_flush(struct conn *conn);

/* Writes what there is of the response; the rest comes later (CONN_HELD). */
void conn_hold(struct conn *conn);

/* Sends n further pieces (n < 0: all) of the response, if it is held. */
void conn_release(struct conn *conn, int64_t n);

/* Waits (CONN_LOCKED) until conn_unlock() has the request served; that does nothing in other
 * states. */
void conn_lock(struct conn *conn);
void conn_unlock(struct conn *conn);

/* Waits (CONN_WAIT); after ms calls health_answer_late(). ms < 0: for ever. */
void conn_wait(struct conn *conn, int64_t ms);

/* Nothing but a health request or nothing at all is going on. */
bool conn_is_idle(const struct conn *conn);

#endif
