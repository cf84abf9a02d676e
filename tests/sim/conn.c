#include "conn.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "health.h"
#include "serve.h"

static void conn_join_instance(struct conn *conn, struct instance *instance)
{
    conn->instance = instance;
    TAILQ_INSERT_TAIL(&instance->conns, conn, link);
    instance->open_connections++;
}

static void conn_leave_instance(struct conn *conn)
{
    TAILQ_REMOVE(&conn->instance->conns, conn, link);
    conn->instance->open_connections--;
}

static void conn_free(struct conn *conn)
{
    conn_leave_instance(conn);
    wire_close(&conn->wire, conn->after == CONN_RESET);
    /* Only now: a job that ends here lets others go on. */
    serve_end(conn, RECORD_ABORTED);
    free(conn->stash);
    free(conn);
}

void conn_doom(struct conn *conn, bool reset)
{
    conn->doomed = true;
    conn->after = reset ? CONN_RESET : CONN_CLOSE;
}

static bool conn_receives(const struct conn *conn)
{
    bool open = conn->state == CONN_SOCKET && wire_pending(&conn->wire) <= WEBSOCKET_PENDING_MAX;
    return !conn->doomed && (conn->state == CONN_HEAD || conn->state == CONN_BODY || open);
}

bool conn_is_idle(const struct conn *conn)
{
    return conn->state == CONN_DRAIN || conn->record == NULL || conn->kind == CONN_HEALTH;
}

/* Hands the connection over to another instance. Between requests: nothing else is counted. */
static void conn_move(struct conn *conn, struct instance *instance)
{
    conn_leave_instance(conn);
    conn_join_instance(conn, instance);
}

/* A head has arrived at the oracle: it goes where the fewest jobs are. False if nobody listens. */
static bool conn_ask_oracle(struct conn *conn)
{
    struct instance *fewest = sim_fewest(conn->instance->sim);
    if (fewest != NULL) {
        conn_move(conn, fewest);
    }
    return fewest != NULL;
}

/* Makes a record of the head. NULL (and the end of the connection) when memory is short or the
 * oracle knows no instance. */
static struct record *conn_record(struct conn *conn, const char *head, size_t len)
{
    if (conn->of_oracle && !conn_ask_oracle(conn)) {
        conn_doom(conn, true);
        return NULL;
    }
    struct instance *instance = conn->instance;
    conn->record = record_new(&instance->sim->records, head, len);
    if (conn->record == NULL) {
        conn_doom(conn, true);
        return NULL;
    }
    conn->record->connection = conn->number;
    conn->record->instance = instance->number;
    conn->scanned = 0;
    /* The last request's slices point into its record, which may be gone. */
    memset(&conn->request, 0, sizeof conn->request);
    return conn->record;
}

/* Makes a record of the beginning of what is no head. */
static struct record *conn_record_bad(struct conn *conn, const char *bytes, size_t len)
{
    return conn_record(conn, bytes, len < RECORD_BAD_BYTES_MAX ? len : RECORD_BAD_BYTES_MAX);
}

static void conn_refuse_head(struct conn *conn, const char *error)
{
    conn->record->headless = true;
    serve_refuse(conn, error);
}

/* Takes a whole head, or nothing. */
static size_t conn_take_head(struct conn *conn, const char *bytes, size_t len)
{
    size_t head_bytes = 0;
    const char *error = NULL;
    switch (request_scan(bytes, len, &conn->scanned, &head_bytes, &error)) {
    case REQUEST_MORE:
        return 0;
    case REQUEST_BAD:
        if (conn_record_bad(conn, bytes, len) != NULL) {
            conn_refuse_head(conn, error);
        }
        return len;
    case REQUEST_WHOLE:
        break;
    }
    if (conn_record(conn, bytes, head_bytes) == NULL) {
        return len;
    }
    error = request_parse(conn->record->head, head_bytes, &conn->request);
    if (error != NULL) {
        conn_refuse_head(conn, error);
        return len;
    }
    serve_begin(conn);
    return head_bytes;
}

static size_t conn_take_body(struct conn *conn, const char *bytes, size_t len)
{
    struct slice in = {bytes, len};
    struct slice data;
    const char *error = NULL;
    for (;;) {
        switch (body_next(&conn->body, &in, &data, &error)) {
        case BODY_DATA:
            if (!upload_feed(&conn->upload, conn->instance->sim->sha256, data)) {
                conn_doom(conn, true);
                return len;
            }
            conn->record->body_bytes = conn->upload.bytes;
            break;
        case BODY_MORE:
            return len;
        case BODY_DONE:
            serve_whole(conn);
            return len - in.len;
        case BODY_BAD:
            serve_refuse(conn, error);
            return len;
        }
    }
}

/* Takes what fits the state that the connection is in. */
static size_t conn_take_next(struct conn *conn, const char *bytes, size_t len)
{
    switch (conn->state) {
    case CONN_HEAD:
        return conn_take_head(conn, bytes, len);
    case CONN_SOCKET:
        return websocket_take(conn, bytes, len);
    default:
        return conn_take_body(conn, bytes, len);
    }
}

static size_t conn_take(struct conn *conn, const char *bytes, size_t len)
{
    size_t used = 0;
    while (used < len && conn_receives(conn)) {
        size_t n = conn_take_next(conn, bytes + used, len - used);
        if (n == 0) {
            break;
        }
        used += n;
    }
    return used;
}

static void conn_stash(struct conn *conn, const char *bytes, size_t len)
{
    if (conn->stash_cap - conn->stash_len < len) {
        size_t cap = conn->stash_len + len;
        char *grown = realloc(conn->stash, cap);
        if (grown == NULL) {
            conn_doom(conn, true);
            return;
        }
        conn->stash = grown;
        conn->stash_cap = cap;
    }
    memcpy(conn->stash + conn->stash_len, bytes, len);
    conn->stash_len += len;
}

/* Goes on with what was received earlier. */
static void conn_run(struct conn *conn)
{
    if (conn->stash_len == 0 || !conn_receives(conn)) {
        return;
    }
    size_t used = conn_take(conn, conn->stash, conn->stash_len);
    conn->stash_len -= used;
    if (conn->stash_len > 0) {
        memmove(conn->stash, conn->stash + used, conn->stash_len);
    } else {
        free(conn->stash);
        conn->stash = NULL;
        conn->stash_cap = 0;
    }
}

static void conn_input(struct conn *conn, const char *bytes, size_t len)
{
    if (conn->state == CONN_DRAIN || conn->after == CONN_REFUSE) {
        conn->drained += len;
        if (conn->drained > CONN_DRAIN_BYTES_MAX) {
            conn_doom(conn, false);
        }
        return;
    }
    size_t used = conn->stash_len == 0 ? conn_take(conn, bytes, len) : 0;
    if (used < len && !conn->doomed && conn->after != CONN_REFUSE) {
        conn_stash(conn, bytes + used, len - used);
    }
    conn_run(conn);
}

/* The other side has closed: whatever it had asked for, it doesn't want any more. A head that has
 * been begun is recorded, so that nothing comes through a balancer unseen. */
static void conn_end_of_input(struct conn *conn)
{
    if (conn->state == CONN_HEAD && conn->stash_len > 0 &&
        conn_record_bad(conn, conn->stash, conn->stash_len) != NULL) {
        serve_broken_head(conn);
    }
    conn_doom(conn, false);
}

static void conn_read(struct conn *conn)
{
    char *buffer = conn->instance->sim->read_buffer;
    for (int i = 0; i < CONN_READS_MAX && !conn->doomed; i++) {
        if (!conn_receives(conn) && conn->stash_len > CONN_STASH_MAX) {
            return;
        }
        ssize_t n = wire_read(&conn->wire, buffer, SIM_READ_BYTES);
        if (n > 0) {
            conn_input(conn, buffer, (size_t)n);
        } else if (n != WIRE_AGAIN) {
            conn_end_of_input(conn);
        } else {
            return;
        }
        /* A short read from a plain socket has emptied it: spare the call that would say so. */
        if (conn->wire.tls == NULL && n < SIM_READ_BYTES) {
            return;
        }
    }
}

/* Reads on unless too much is waiting already. */
static void conn_watch(struct conn *conn)
{
    bool wanted = conn_receives(conn) || conn->stash_len <= CONN_STASH_MAX;
    if (wanted && !conn->reading) {
        conn->reading = event_add(&conn->wire.read_event, NULL) == 0;
    } else if (!wanted && conn->reading) {
        event_del(&conn->wire.read_event);
        conn->reading = false;
    }
}

void conn_enter(struct conn *conn)
{
    conn->busy++;
}

void conn_leave(struct conn *conn)
{
    if (conn->busy == 1) {
        conn_run(conn);
    }
    if (--conn->busy > 0) {
        return;
    }
    if (conn->doomed) {
        conn_free(conn);
    } else {
        conn_watch(conn);
    }
}

static void conn_drain(struct conn *conn)
{
    conn->state = CONN_DRAIN;
    wire_shut(&conn->wire);
    wire_set_timer(&conn->wire, CONN_DRAIN_MS);
}

static void conn_responded(struct conn *conn)
{
    serve_end(conn, RECORD_ANSWERED);
    if (conn->after == CONN_REFUSE) {
        conn_drain(conn);
    } else if (conn->after != CONN_KEEP || !conn->instance->main.listening) {
        conn_doom(conn, conn->after == CONN_RESET);
    } else {
        conn->state = CONN_HEAD;
        if (conn->of_oracle) {
            conn_move(conn, conn->instance->sim->oracle);
        }
    }
}

void conn_flush(struct conn *conn)
{
    enum wire_result result = wire_flush(&conn->wire);
    if (result == WIRE_BROKEN) {
        conn_doom(conn, false);
    } else if (result == WIRE_DONE && conn->state == CONN_RESPONSE) {
        conn_responded(conn);
    }
}

void conn_finish(struct conn *conn, enum conn_after after)
{
    conn->state = CONN_RESPONSE;
    conn->after = after;
    conn_flush(conn);
}

void conn_hold(struct conn *conn)
{
    conn->state = CONN_HELD;
    conn_flush(conn);
}

void conn_release(struct conn *conn, int64_t n)
{
    if (conn->state == CONN_HELD) {
        conn_enter(conn);
        odd_release(conn, n);
        conn_leave(conn);
    }
}

void conn_lock(struct conn *conn)
{
    conn->state = CONN_LOCKED;
}

void conn_unlock(struct conn *conn)
{
    if (conn->state == CONN_LOCKED) {
        conn_enter(conn);
        serve_now(conn);
        conn_leave(conn);
    }
}

void conn_wait(struct conn *conn, int64_t ms)
{
    conn->state = CONN_WAIT;
    if (ms >= 0) {
        wire_set_timer(&conn->wire, ms);
    }
}

static void conn_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *conn = arg;
    conn_enter(conn);
    conn_read(conn);
    conn_leave(conn);
}

static void conn_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *conn = arg;
    conn_enter(conn);
    conn_flush(conn);
    conn_leave(conn);
}

static void conn_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct conn *conn = arg;
    conn_enter(conn);
    if (conn->state == CONN_WAIT) {
        health_answer_late(conn);
    } else if (conn->state == CONN_DRAIN) {
        conn_doom(conn, false);
    } else if (conn->state == CONN_HELD) {
        odd_release(conn, 1);
    } else {
        wire_tick(&conn->wire);
        conn_flush(conn);
    }
    conn_leave(conn);
}

void conn_open(struct instance *instance, int fd, bool of_metrics)
{
    static const struct wire_events events = {conn_readable, conn_writable, conn_timer};
    struct sim *sim = instance->sim;
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        close(fd);
        return;
    }
    if (!wire_open(&conn->wire, sim->base, fd, sim->tls, &events, conn)) {
        free(conn);
        return;
    }
    conn->of_metrics = of_metrics;
    conn->of_oracle = instance == sim->oracle;
    conn->number = ++sim->last_connection;
    conn_join_instance(conn, instance);
    instance->counters.connections++;
    /* The request is often there already: then a short connection never has to be watched. */
    conn_readable(fd, EV_READ, conn);
}
