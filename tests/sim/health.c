#include "health.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "report.h"
#include "respond.h"
#include "routes.h"

enum { HUGE_BYTES = 10 * 1024 * 1024, DEEP_LEVELS = 100000, TRICKLE_MS = 1000 };

/* How it is asked to be: a report of the load may be ill while health is well. */
static const struct health *health_of(const struct conn *conn)
{
    const struct instance_settings *settings = &conn->instance->settings;
    return conn->route->is_load ? &settings->load : &settings->health;
}

/* Into the scratch buffer. Returns its type, or NULL. */
static const char *write_report(struct conn *conn, const char *wrong)
{
    struct report report = {conn->instance, &conn->request, wrong, NULL};
    conn->route->report(conn->instance->sim->scratch, &report);
    return report.type;
}

/* A good body with any status. Errors carry one too: who believes it overlooks the status. */
static void answer_report(struct conn *conn, int status, const char *wrong, const char *rest)
{
    struct evbuffer *body = conn->instance->sim->scratch;
    const char *type = write_report(conn, wrong);
    evbuffer_add_printf(body, "%s", rest);
    respond_buffer(conn, &(const struct response){.status = status, .type = type}, body);
}

static void answer_hang(struct conn *conn)
{
    conn_wait(conn, -1);
}

static void answer_slow(struct conn *conn)
{
    conn_wait(conn, health_of(conn)->slow_ms);
}

static void answer_trickle(struct conn *conn)
{
    wire_drip(&conn->wire, 1, TRICKLE_MS);
    answer_report(conn, 200, NULL, "");
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

/* The report, with padding before its last brace or bracket, or in a comment behind it. */
static void answer_huge(struct conn *conn)
{
    static const struct {
        char end;
        const char *before, *behind;
    } paddings[] = {
        {'}', ",\"padding\":\"", "\"}"}, {']', ",{\"padding\":\"", "\"}]"}, {'\0', "# ", "\n"}};
    struct evbuffer *body = conn->instance->sim->scratch;
    const char *type = write_report(conn, NULL);
    size_t len = evbuffer_get_length(body);
    const char *bytes = (const char *)evbuffer_pullup(body, -1);
    size_t i = 0;
    while (paddings[i].end != '\0' && (len == 0 || bytes[len - 1] != paddings[i].end)) {
        i++;
    }
    struct evbuffer *whole = evbuffer_new();
    if (whole == NULL) {
        evbuffer_drain(body, len);
        conn_doom(conn, true);
        return;
    }
    evbuffer_remove_buffer(body, whole, paddings[i].end != '\0' ? len - 1 : len);
    evbuffer_drain(body, evbuffer_get_length(body));
    evbuffer_add_printf(whole, "%s", paddings[i].before);
    respond_filled(conn, &(const struct response){.status = 200, .type = type}, whole,
                   filler_letters(HUGE_BYTES), paddings[i].behind);
    evbuffer_free(whole);
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
    answer_report(conn, 200, NULL, " trailing }garbage{");
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
    [HEALTH_STATUS_501] = {"501", NULL, 501, NULL},
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
    const struct mode *mode = &modes[health_of(conn)->mode];
    if (mode->answer != NULL) {
        mode->answer(conn);
    } else {
        answer_report(conn, mode->status, mode->wrong, "");
    }
}

void health_answer_late(struct conn *conn)
{
    answer_report(conn, 200, NULL, "");
}
