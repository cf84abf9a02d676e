#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

enum {
    JOB_TIME_SECONDS_MAX = 1000 * 1000 * 1000,
    HUGE_BYTES = 10 * 1024 * 1024,
    DEEP_LEVELS = 100000,
    TRICKLE_MS = 1000,
    REPORT_BYTES_MAX = 512
};

/* --- health requests */

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
                     instance->jobs.slots, member, (uint64_t)active + instance->counters.finished);
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

static void serve_health(struct conn *conn)
{
    const struct mode *mode = &modes[conn->instance->settings.health.mode];
    if (mode->answer != NULL) {
        mode->answer(conn);
    } else {
        answer_report(conn, mode->status, mode->wrong, "}");
    }
}

void serve_late(struct conn *conn)
{
    answer_report(conn, 200, modes[conn->instance->settings.health.mode].wrong, "}");
}

static void refuse_method(struct conn *conn)
{
    respond_detail(conn, 405, "Method Not Allowed");
}

static void refuse_path(struct conn *conn)
{
    respond_detail(conn, 404, "Not Found");
}

/* --- transcriptions */

static int64_t job_time_us(const struct conn *conn)
{
    const struct instance_settings *settings = &conn->instance->settings;
    double seconds = conn->upload.seconds * settings->factor;
    if (conn->has_job_time) {
        if (conn->job_time_us == JOB_HELD) {
            return JOB_HELD;
        }
        seconds = (double)conn->job_time_us / 1e6;
    } else if (settings->job_time_ms == -1) {
        return JOB_HELD;
    } else if (settings->job_time_ms >= 0) {
        seconds = (double)settings->job_time_ms / 1e3;
    }
    seconds /= settings->speed;
    return (int64_t)((seconds < JOB_TIME_SECONDS_MAX ? seconds : JOB_TIME_SECONDS_MAX) * 1e6);
}

static void job_done(void *arg)
{
    struct conn *conn = arg;
    conn_enter(conn);
    conn->job_ended = true;
    joblog_write(conn->instance->sim->joblog, &conn->entry, conn->job.started, "done");
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else {
        respond_transcript(conn, conn->upload.format);
    }
    conn_leave(conn);
}

/* Submits first: whoever has the answer sees the job counted. */
static void serve_async(struct conn *conn)
{
    if (!async_submit(conn->instance, job_time_us(conn), &conn->entry)) {
        conn_doom(conn, true);
        return;
    }
    conn->detached = true;
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else {
        respond_queued(conn);
    }
}

static void serve_transcription(struct conn *conn)
{
    bool odd = conn->odd.kind != ODD_NONE;
    if (!slice_is(conn->request.method, "POST") && !odd) {
        refuse_method(conn);
    } else if (conn->upload.error != NULL && !odd) {
        respond_detail(conn, 422, conn->upload.error);
    } else if (conn->entry.async) {
        serve_async(conn);
    } else {
        conn->state = CONN_JOB;
        job_submit(&conn->instance->jobs, &conn->job, job_time_us(conn), job_done, conn);
    }
}

/* --- the server that is played */

struct route {
    const char *method; /* NULL: any */
    const char *path;   /* the end of the target's path */
    enum conn_kind kind;
    void (*serve)(struct conn *conn); /* answers a request that has arrived whole */
};

/* WhisperX. The first row that fits. */
static const struct route routes[] = {
    {"GET", "/health", CONN_HEALTH, serve_health},
    {NULL, "/health", CONN_OTHER, refuse_method},
    {NULL, "/v1/audio/transcriptions", CONN_TRANSCRIPTION, serve_transcription},
    {NULL, "", CONN_OTHER, refuse_path},
};

static const struct route *find_route(const struct request *request)
{
    const struct route *route = routes;
    while ((route->method != NULL && !slice_is(request->method, route->method)) ||
           !slice_ends_with(request->path, route->path)) {
        route++;
    }
    return route;
}

/* --- a request's life */

/* Counts the request and makes its record visible. */
static void file(struct conn *conn)
{
    struct instance *instance = conn->instance;
    bool health = conn->kind == CONN_HEALTH;
    *(health ? &instance->counters.health_requests : &instance->counters.requests) += 1;
    record_file(&instance->sim->records, health ? &instance->health_requests : &instance->requests,
                conn->record);
}

static const char *read_job_time(struct conn *conn)
{
    struct slice value = conn->request.sim_job_time;
    uint64_t ms = 0;
    if (value.at == NULL) {
        return NULL;
    }
    conn->has_job_time = true;
    if (slice_is(value, "-1")) {
        conn->job_time_us = JOB_HELD;
        return NULL;
    }
    if (!slice_to_number(value, &ms) || ms > INSTANCE_TIME_MS_MAX) {
        return "bad X-Sim-Job-Time";
    }
    conn->job_time_us = (int64_t)ms * 1000;
    return NULL;
}

/* Reads the X-Sim- fields. An error is reported once the body has arrived. */
static void read_steering(struct conn *conn)
{
    if (conn->kind == CONN_HEALTH) {
        return;
    }
    conn->steer_error = read_job_time(conn);
    if (conn->request.sim_async.at != NULL) {
        conn->entry.async = slice_is(conn->request.sim_async, "1");
        if (!conn->entry.async) {
            conn->steer_error = "bad X-Sim-Async";
        }
    }
    if (conn->request.sim_response.at != NULL &&
        !odd_parse(conn->request.sim_response, &conn->odd)) {
        conn->steer_error = "bad X-Sim-Response";
    }
    if (conn->request.sim_response.at == NULL && conn->kind == CONN_TRANSCRIPTION) {
        conn->odd = conn->instance->settings.response;
    }
}

static void begin_body(struct conn *conn)
{
    conn->state = CONN_BODY;
    if (conn->kind != CONN_HEALTH) {
        conn->uploading = true;
        conn->instance->uploading++;
    }
    if (conn->request.expect_continue && !conn->request.http10) {
        wire_send_text(&conn->wire, "HTTP/1.1 100 Continue\r\n\r\n");
        if (wire_flush(&conn->wire) == WIRE_BROKEN) {
            conn_doom(conn, false);
        }
    }
}

/* What the log of jobs says of it, whatever becomes of it. Before the request is counted itself. */
static void begin_entry(struct conn *conn)
{
    struct joblog_entry *entry = &conn->entry;
    *entry =
        (struct joblog_entry){.instance = conn->instance->number, .arrived = conn->record->started};
    joblog_name(entry, conn->request.job_name);
    sim_compare(conn->instance, &entry->excess, &entry->imbalance);
}

/* Puts what is known of the body into the record, and lets go of the rest. */
static void end_upload(struct conn *conn)
{
    struct record *record = conn->record;
    if (conn->uploading) {
        conn->uploading = false;
        conn->instance->uploading--;
    }
    record->body_bytes = conn->upload.bytes;
    record->hashed = true;
    if (!upload_end(&conn->upload, record->sha256)) {
        memcpy(record->sha256, conn->instance->sim->empty_sha256, sizeof record->sha256);
    }
}

void serve_begin(struct conn *conn)
{
    conn->route = find_route(&conn->request);
    conn->kind = conn->route->kind;
    file(conn);
    if (conn->kind == CONN_TRANSCRIPTION) {
        begin_entry(conn);
    }
    read_steering(conn);
    body_init(&conn->body, &conn->request);
    bool has_body = conn->body.state != BODY_WHOLE;
    upload_begin(&conn->upload, &conn->request, has_body && conn->kind == CONN_TRANSCRIPTION);
    if (conn->odd.kind == ODD_EARLY && conn->steer_error == NULL) {
        conn->record->complete = !has_body;
        odd_respond(conn);
    } else if (has_body) {
        begin_body(conn);
    } else {
        serve_whole(conn);
    }
}

void serve_whole(struct conn *conn)
{
    conn->record->complete = true;
    end_upload(conn);
    if (conn->steer_error != NULL) {
        respond_detail(conn, 400, conn->steer_error);
    } else if (conn->kind == CONN_OTHER && conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else {
        conn->route->serve(conn);
    }
}

void serve_refuse(struct conn *conn, const char *error)
{
    conn->record->bad = true;
    conn->record->error = error;
    bool filed = conn->record->log != NULL;
    if (!filed || conn->kind == CONN_HEALTH) {
        conn->kind = CONN_OTHER;
        file(conn);
    }
    respond_refuse(conn, error);
}

void serve_broken_head(struct conn *conn)
{
    conn->record->headless = true;
    conn->record->bad = true;
    conn->record->error = "closed inside the head";
    conn->kind = CONN_OTHER;
    file(conn);
}

void serve_end(struct conn *conn, enum record_outcome outcome)
{
    struct record *record = conn->record;
    if (record == NULL) {
        return;
    }
    if (!record->hashed) {
        end_upload(conn);
    }
    /* An instance that dies (CONN_RESET) does end its jobs. */
    if (conn->instance->settings.deaf && conn->after != CONN_RESET &&
        async_adopt(conn->instance, &conn->job, &conn->entry)) {
        conn->detached = true;
    }
    bool job_is_over = conn->job_ended || conn->detached;
    if (conn->kind == CONN_TRANSCRIPTION && outcome == RECORD_ABORTED && !job_is_over) {
        joblog_write(conn->instance->sim->joblog, &conn->entry, conn->job.started, "aborted");
    }
    record->outcome = outcome;
    record->ended = record_now();
    conn->record = NULL;
    record_release(record);
    struct instance_counters *counters = &conn->instance->counters;
    if (conn->kind != CONN_HEALTH) {
        counters->aborted += outcome == RECORD_ABORTED;
        counters->finished += outcome == RECORD_ANSWERED && conn->job_ended;
    }
    memset(&conn->upload, 0, sizeof conn->upload);
    conn->odd = (struct odd){0};
    conn->pieces = 0;
    conn->steer_error = NULL;
    conn->has_job_time = false;
    conn->job_ended = false;
    conn->detached = false;
    job_cancel(&conn->job);
    conn->job.started = 0;
}
