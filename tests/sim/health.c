#include "health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

enum {
    HUGE_BYTES = 10 * 1024 * 1024,
    DEEP_LEVELS = 100000,
    TRICKLE_MS = 1000,
    BODY_BYTES_MAX = 512
};

#define JSON_TYPE "application/json"

static const char *const mode_names[HEALTH_MODES] = {
    [HEALTH_OK] = "ok",
    [HEALTH_HANG] = "hang",
    [HEALTH_SLOW] = "slow",
    [HEALTH_TRICKLE] = "trickle",
    [HEALTH_STATUS_500] = "500",
    [HEALTH_STATUS_503] = "503",
    [HEALTH_STATUS_404] = "404",
    [HEALTH_STATUS_401] = "401",
    [HEALTH_GARBAGE] = "garbage",
    [HEALTH_NOJSON] = "nojson",
    [HEALTH_EMPTY] = "empty",
    [HEALTH_HUGE] = "huge",
    [HEALTH_HUGE_CHUNKED] = "huge-chunked",
    [HEALTH_NESTED_DEEP] = "nested-deep",
    [HEALTH_NAN] = "nan",
    [HEALTH_INF] = "inf",
    [HEALTH_NEGATIVE] = "negative",
    [HEALTH_FRACTION] = "fraction",
    [HEALTH_STRING] = "string",
    [HEALTH_NULL] = "null",
    [HEALTH_MISSING] = "missing",
    [HEALTH_ABSURD] = "absurd",
    [HEALTH_REDIRECT] = "redirect",
    [HEALTH_CLOSE] = "close",
    [HEALTH_TRAILING] = "trailing",
};

bool health_parse(const char *name, struct health *health)
{
    health->slow_ms = 0;
    if (strncmp(name, "slow:", 5) == 0) {
        uint64_t ms = 0;
        if (!slice_to_number((struct slice){name + 5, strlen(name + 5)}, &ms) ||
            ms > HEALTH_SLOW_MS_MAX) {
            return false;
        }
        health->mode = HEALTH_SLOW;
        health->slow_ms = (int64_t)ms;
        return true;
    }
    for (size_t i = 0; i < HEALTH_MODES; i++) {
        if (i != HEALTH_SLOW && strcmp(name, mode_names[i]) == 0) {
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
        snprintf(name, HEALTH_NAME_MAX, "%s", mode_names[health->mode]);
    }
}

/* The job count as this mode writes it; NULL: not at all. `number` has the right one. */
static const char *count_text(enum health_mode mode, const char *number)
{
    switch (mode) {
    case HEALTH_NAN:
        return "NaN";
    case HEALTH_INF:
        return "1e999";
    case HEALTH_NEGATIVE:
        return "-1";
    case HEALTH_FRACTION:
        return "1.5";
    case HEALTH_STRING:
        return "\"3\"";
    case HEALTH_NULL:
        return "null";
    case HEALTH_ABSURD:
        return "1e15";
    case HEALTH_MISSING:
        return NULL;
    default:
        return number;
    }
}

/* The body but for its last brace, so that more members can follow. The nested form's active_jobs
 * is a decoy: it also counts what is finished, and is no measure of the load. */
static size_t format_open(const struct instance *instance, char body[BODY_BYTES_MAX])
{
    int64_t active = instance_active(instance);
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, active);
    const char *count = count_text(instance->settings.health.mode, number);
    char member[64] = "";
    int len;
    if (instance->settings.form == INSTANCE_FLAT) {
        if (count != NULL) {
            snprintf(member, sizeof member, ",\"active_jobs\":%s", count);
        }
        len = snprintf(body, BODY_BYTES_MAX, "{\"status\":\"healthy\"%s", member);
    } else {
        if (count != NULL) {
            snprintf(member, sizeof member, "\"active_transcriptions\":%s,", count);
        }
        len =
            snprintf(body, BODY_BYTES_MAX,
                     "{\"status\":\"healthy\",\"concurrency\":{\"max_concurrent_requests\":%u,%s"
                     "\"active_jobs\":%" PRIu64 "}",
                     instance->jobs.slots, member, (uint64_t)active + instance->counters.finished);
    }
    return (size_t)len;
}

/* A good body with any status. Errors carry one too: who believes it overlooks the status. */
static void answer_json(struct conn *conn, int status, const char *rest)
{
    char body[BODY_BYTES_MAX];
    size_t len = format_open(conn->instance, body);
    len += (size_t)snprintf(body + len, sizeof body - len, "%s", rest);
    const struct reply reply = {.status = status, .type = JSON_TYPE, .body = body, .body_len = len};
    respond_reply(conn, &reply);
}

static int mode_status(enum health_mode mode)
{
    switch (mode) {
    case HEALTH_STATUS_500:
        return 500;
    case HEALTH_STATUS_503:
        return 503;
    case HEALTH_STATUS_404:
        return 404;
    case HEALTH_STATUS_401:
        return 401;
    default:
        return 200;
    }
}

static void answer_garbage(struct conn *conn)
{
    static const char garbage[] = "\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n";
    out_send(conn, garbage, sizeof garbage - 1);
    conn_finish_reply(conn, CONN_CLOSE);
}

static void answer_text(struct conn *conn, int status, const char *type, const char *fields,
                        const char *text)
{
    const struct reply reply = {
        .status = status, .type = type, .fields = fields, .body = text, .body_len = strlen(text)};
    respond_reply(conn, &reply);
}

static void finish_long(struct conn *conn)
{
    conn_finish_reply(conn, respond_closes(conn) ? CONN_CLOSE : CONN_KEEP);
}

static void answer_huge(struct conn *conn)
{
    static const char tail[] = "\"}";
    char body[BODY_BYTES_MAX];
    size_t len = format_open(conn->instance, body);
    len += (size_t)snprintf(body + len, sizeof body - len, ",\"padding\":\"");
    respond_head_length(conn, 200, JSON_TYPE, len + HUGE_BYTES + sizeof tail - 1);
    out_send(conn, body, len);
    out_source(conn, source_letters(HUGE_BYTES), tail);
    finish_long(conn);
}

static void answer_huge_chunked(struct conn *conn)
{
    static const char start[] = "e\r\n{\"padding\":\"xx\r\n";
    respond_head(conn, 200, JSON_TYPE, "Transfer-Encoding: chunked\r\n");
    out_send(conn, start, sizeof start - 1);
    out_source(conn, source_chunks(), NULL);
    finish_long(conn);
}

static void answer_nested_deep(struct conn *conn)
{
    respond_head_length(conn, 200, JSON_TYPE, DEEP_LEVELS);
    out_source(conn, source_brackets(DEEP_LEVELS), NULL);
    finish_long(conn);
}

void health_answer(struct conn *conn)
{
    const struct health *health = &conn->instance->settings.health;
    switch (health->mode) {
    case HEALTH_HANG:
        conn_wait(conn, -1);
        break;
    case HEALTH_SLOW:
        conn_wait(conn, health->slow_ms);
        break;
    case HEALTH_TRICKLE:
        out_drip(conn, 1, TRICKLE_MS);
        answer_json(conn, 200, "}");
        break;
    case HEALTH_GARBAGE:
        answer_garbage(conn);
        break;
    case HEALTH_NOJSON:
        answer_text(conn, 200, "text/html", NULL, "<html><body>It works!</body></html>");
        break;
    case HEALTH_EMPTY:
        answer_text(conn, 200, JSON_TYPE, NULL, "");
        break;
    case HEALTH_HUGE:
        answer_huge(conn);
        break;
    case HEALTH_HUGE_CHUNKED:
        answer_huge_chunked(conn);
        break;
    case HEALTH_NESTED_DEEP:
        answer_nested_deep(conn);
        break;
    case HEALTH_REDIRECT:
        answer_text(conn, 302, NULL, "Location: http://127.0.0.1:1/health\r\n", "");
        break;
    case HEALTH_CLOSE:
        conn_finish_reply(conn, CONN_CLOSE);
        break;
    case HEALTH_TRAILING:
        answer_json(conn, 200, "} trailing }garbage{");
        break;
    default:
        answer_json(conn, mode_status(health->mode), "}");
        break;
    }
}

void health_answer_late(struct conn *conn)
{
    answer_json(conn, 200, "}");
}
