#include "health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

enum {
    HUGE_BYTES = 10 * 1024 * 1024,
    DEEP_LEVELS = 100000,
    TRICKLE_MS = 1000,
    REPORT_BYTES_MAX = 512
};

/* The body but for its last brace, so that more members can follow. The nested form's active_jobs
 * is a decoy: it also counts what is finished, and is no measure of the load. wrong: what it says
 * instead of the job count (NULL: nothing is wrong; empty: it says none). */
static size_t open_report(const struct instance *instance, const char *wrong,
                          char body[REPORT_BYTES_MAX])
{
    int64_t active = instance_active(instance);
    char number[24];
    char member[64] = "";
    int len;
    snprintf(number, sizeof number, "%" PRId64, active);
    const char *count = wrong != NULL ? wrong : number;
    if (instance->settings.form == INSTANCE_FLAT) {
        if (count[0] != '\0') {
            snprintf(member, sizeof member, ",\"active_jobs\":%s", count);
        }
        len = snprintf(body, REPORT_BYTES_MAX, "{\"status\":\"healthy\"%s", member);
    } else {
        if (count[0] != '\0') {
            snprintf(member, sizeof member, "\"active_transcriptions\":%s,", count);
        }
        len =
            snprintf(body, REPORT_BYTES_MAX,
                     "{\"status\":\"healthy\",\"concurrency\":{\"max_concurrent_requests\":%u,%s"
                     "\"active_jobs\":%" PRIu64 "}",
                     instance->queue.slots, member, (uint64_t)active + instance->counters.finished);
    }
    return (size_t)len;
}

/* A good body with any status. Errors carry one too: who believes it overlooks the status. */
static void answer_report(struct conn *conn, int status, const char *wrong, const char *rest)
{
    char body[REPORT_BYTES_MAX];
    size_t len = open_report(conn->instance, wrong, body);
    snprintf(body + len, sizeof body - len, "%s", rest);
    respond_with(conn,
                 &(const struct response){.status = status, .type = RESPOND_JSON, .body = body});
}

static void answer_hang(struct conn *conn)
{
    conn_wait(conn, -1);
}

static void answer_slow(struct conn *conn)
{
    conn_wait(conn, conn->instance->settings.health.slow_ms);
}

static void answer_trickle(struct conn *conn)
{
    wire_drip(&conn->wire, 1, TRICKLE_MS);
    answer_report(conn, 200, NULL, "}");
}

static void answer_garbage(struct conn *conn)
{
    wire_send_text(&conn->wire, "\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n");
    conn_finish(conn, CONN_CLOSE);
}

static void answer_nojson(struct conn *conn)
{
    respond_with(conn, &(const struct response){.status = 200,
                                                .type = "text/html",
                                                .body = "<html><body>It works!</body></html>"});
}

static void answer_empty(struct conn *conn)
{
    respond_with(conn, &(const struct response){.status = 200, .type = RESPOND_JSON});
}

static void answer_huge(struct conn *conn)
{
    static const char tail[] = "\"}";
    char body[REPORT_BYTES_MAX];
    size_t len = open_report(conn->instance, NULL, body);
    len += (size_t)snprintf(body + len, sizeof body - len, ",\"padding\":\"");
    respond_head_length(conn, 200, RESPOND_JSON, len + HUGE_BYTES + sizeof tail - 1);
    wire_send(&conn->wire, body, len);
    wire_fill(&conn->wire, filler_letters(HUGE_BYTES), tail);
    respond_finish(conn);
}

static void answer_huge_chunked(struct conn *conn)
{
    respond_head(conn, 200, RESPOND_JSON, "Transfer-Encoding: chunked\r\n");
    wire_send_text(&conn->wire, "e\r\n{\"padding\":\"xx\r\n");
    wire_fill(&conn->wire, filler_chunks(), NULL);
    respond_finish(conn);
}

static void answer_nested_deep(struct conn *conn)
{
    respond_head_length(conn, 200, RESPOND_JSON, DEEP_LEVELS);
    wire_fill(&conn->wire, filler_brackets(DEEP_LEVELS), NULL);
    respond_finish(conn);
}

static void answer_redirect(struct conn *conn)
{
    respond_with(conn, &(const struct response){
                           .status = 302, .fields = "Location: http://127.0.0.1:1/health\r\n"});
}

static void answer_close(struct conn *conn)
{
    conn_finish(conn, CONN_CLOSE);
}

static void answer_trailing(struct conn *conn)
{
    answer_report(conn, 200, NULL, "} trailing }garbage{");
}

static const struct mode {
    const char *name;
    void (*answer)(struct conn *conn); /* NULL: the report, with this status … */
    int status;
    const char *wrong; /* … and this for the job count (NULL: the right one; empty: none) */
} modes[HEALTH_MODES] = {
    [HEALTH_OK] = {"ok", NULL, 200, NULL},
    [HEALTH_HANG] = {"hang", answer_hang, 0, NULL},
    [HEALTH_SLOW] = {"slow", answer_slow, 0, NULL},
    [HEALTH_TRICKLE] = {"trickle", answer_trickle, 0, NULL},
    [HEALTH_STATUS_500] = {"500", NULL, 500, NULL},
    [HEALTH_STATUS_503] = {"503", NULL, 503, NULL},
    [HEALTH_STATUS_404] = {"404", NULL, 404, NULL},
    [HEALTH_STATUS_401] = {"401", NULL, 401, NULL},
    [HEALTH_GARBAGE] = {"garbage", answer_garbage, 0, NULL},
    [HEALTH_NOJSON] = {"nojson", answer_nojson, 0, NULL},
    [HEALTH_EMPTY] = {"empty", answer_empty, 0, NULL},
    [HEALTH_HUGE] = {"huge", answer_huge, 0, NULL},
    [HEALTH_HUGE_CHUNKED] = {"huge-chunked", answer_huge_chunked, 0, NULL},
    [HEALTH_NESTED_DEEP] = {"nested-deep", answer_nested_deep, 0, NULL},
    [HEALTH_NAN] = {"nan", NULL, 200, "NaN"},
    [HEALTH_INF] = {"inf", NULL, 200, "1e999"},
    [HEALTH_NEGATIVE] = {"negative", NULL, 200, "-1"},
    [HEALTH_FRACTION] = {"fraction", NULL, 200, "1.5"},
    [HEALTH_STRING] = {"string", NULL, 200, "\"3\""},
    [HEALTH_NULL] = {"null", NULL, 200, "null"},
    [HEALTH_MISSING] = {"missing", NULL, 200, ""},
    [HEALTH_ABSURD] = {"absurd", NULL, 200, "1e15"},
    [HEALTH_REDIRECT] = {"redirect", answer_redirect, 0, NULL},
    [HEALTH_CLOSE] = {"close", answer_close, 0, NULL},
    [HEALTH_TRAILING] = {"trailing", answer_trailing, 0, NULL},
};

bool health_parse(const char *name, struct health *health)
{
    struct slice ms = slice_of(name);
    uint64_t slow_ms = 0;
    health->slow_ms = 0;
    if (slice_take_prefix(&ms, "slow:")) {
        health->mode = HEALTH_SLOW;
        bool good = slice_to_number(ms, &slow_ms) && slow_ms <= HEALTH_SLOW_MS_MAX;
        health->slow_ms = good ? (int64_t)slow_ms : 0;
        return good;
    }
    for (size_t i = 0; i < HEALTH_MODES; i++) {
        if (i != HEALTH_SLOW && strcmp(name, modes[i].name) == 0) {
            health->mode = (enum health_mode)i;
            return true;
        }
    }
    return false;
}

void health_format(const struct health *health, char name[HEALTH_NAME_MAX])
{
    if (health->mode == HEALTH_SLOW) {
        snprintf(name, HEALTH_NAME_MAX, "slow:%" PRId64, health->slow_ms);
    } else {
        snprintf(name, HEALTH_NAME_MAX, "%s", modes[health->mode].name);
    }
}

void health_answer(struct conn *conn)
{
    const struct mode *mode = &modes[conn->instance->settings.health.mode];
    if (mode->answer != NULL) {
        mode->answer(conn);
    } else {
        answer_report(conn, mode->status, mode->wrong, "}");
    }
}

void health_answer_late(struct conn *conn)
{
    answer_report(conn, 200, modes[conn->instance->settings.health.mode].wrong, "}");
}
