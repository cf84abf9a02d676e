#include "routes.h"

#include <string.h>

#include "conn.h"
#include "cors.h"
#include "health.h"
#include "instance.h"
#include "jobs_api.h"
#include "respond.h"
#include "storage.h"

enum { JOB_TIME_SECONDS_MAX = 1000 * 1000 * 1000, EVENTS = 10 };

static void refuse_method(struct conn *conn)
{
    respond_detail(conn, 405, "Method Not Allowed");
}

static void refuse_path(struct conn *conn)
{
    respond_detail(conn, 404, "Not Found");
}

/* whisper.cpp's /load loads a model, and lets nothing else be done meanwhile. */
static void refuse_model(struct conn *conn)
{
    conn->record->error = "asked to load a model";
    respond_with(
        conn, &(const struct response){.status = 400,
                                       .type = RESPOND_JSON,
                                       .body = "{\"error\":\"no 'model' field in the request\"}"});
}

static void answer_models(struct conn *conn)
{
    respond_with(
        conn, &(const struct response){.status = 200,
                                       .type = RESPOND_JSON,
                                       .body = "{\"object\":\"list\",\"data\":[{\"id\":"
                                               "\"simulated\",\"object\":\"model\",\"created\":0,"
                                               "\"owned_by\":\"leastjobs\"}]}"});
}

/* --- jobs that are requests */

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

static void end_job(struct conn *conn)
{
    conn->job_ended = true;
    joblog_write(conn->instance->sim->joblog, &conn->entry, conn->job.started, "done");
}

static void serve_completion(struct conn *conn);

static void respond_result(struct conn *conn)
{
    if (conn->route->serve == serve_completion) {
        respond_completion(conn);
    } else {
        respond_transcript(conn, conn->upload.format);
    }
}

static void job_done(void *arg)
{
    struct conn *conn = arg;
    conn_enter(conn);
    end_job(conn);
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else {
        respond_result(conn);
    }
    conn_leave(conn);
}

/* --- jobs that last as long as their response */

static void stream_begun(void *arg)
{
    struct conn *conn = arg;
    conn_enter(conn);
    odd_respond(conn);
    conn_leave(conn);
}

/* Released: all the rest at once. */
static void stream_done(void *arg)
{
    struct conn *conn = arg;
    conn_enter(conn);
    end_job(conn);
    if (conn->state == CONN_HELD) {
        odd_release(conn, -1);
    }
    conn_leave(conn);
}

static void serve_stream(struct conn *conn)
{
    conn->state = CONN_JOB;
    job_submit_held(&conn->instance->queue, &conn->job, stream_begun, stream_done, conn);
}

/* For pages, which can't ask for an odd response. */
static void serve_events(struct conn *conn)
{
    if (!odd_is_stream(&conn->odd)) {
        conn->odd = (struct odd){ODD_SSE, EVENTS};
    }
    serve_stream(conn);
}

static void websocket_done(void *arg)
{
    struct conn *conn = arg;
    conn_enter(conn);
    end_job(conn);
    if (conn->state == CONN_SOCKET) {
        websocket_close(conn, WEBSOCKET_GOING_AWAY);
    }
    conn_leave(conn);
}

/* A job of no time would be over before the handshake. */
static void serve_websocket(struct conn *conn)
{
    if (websocket_refuse(conn)) {
        return;
    }
    int64_t time_us = conn->has_job_time ? job_time_us(conn) : JOB_HELD;
    job_submit(&conn->instance->queue, &conn->job, time_us == 0 ? 1 : time_us, websocket_done,
               conn);
    websocket_begin(conn);
}

static void serve_work(struct conn *conn)
{
    bool stored = upload_is_true(&conn->upload, UPLOAD_STORED_OUTPUT);
    if (conn->entry.async) {
        jobs_accept(conn, JOBS_SHORT, job_time_us(conn));
    } else if (conn->accepted != JOBS_IN_BODY || stored) {
        jobs_accept(conn, JOBS_WHISPERX, job_time_us(conn));
    } else if (odd_is_stream(&conn->odd)) {
        serve_stream(conn);
    } else {
        conn->state = CONN_JOB;
        job_submit(&conn->instance->queue, &conn->job, job_time_us(conn), job_done, conn);
    }
}

static void serve_transcription(struct conn *conn)
{
    bool odd = conn->odd.kind != ODD_NONE;
    if (!slice_is(conn->request.method, "POST") && !odd) {
        refuse_method(conn);
    } else if (conn->upload.error != NULL && !odd) {
        respond_detail(conn, 422, conn->upload.error);
    } else {
        serve_work(conn);
    }
}

/* Anything else: with any body. */
static void serve_completion(struct conn *conn)
{
    if (!slice_is(conn->request.method, "POST") && conn->odd.kind == ODD_NONE) {
        refuse_method(conn);
    } else {
        serve_work(conn);
    }
}

/* A job by OpenAI's way: POST to the path of all jobs. */
static void serve_new_job(struct conn *conn)
{
    if (conn->jobs_path.openai) {
        jobs_accept(conn, JOBS_OPENAI, job_time_us(conn));
    } else {
        refuse_method(conn);
    }
}

/* --- the server that is played */

#define ALL ((1U << KINDS) - 1)
#define ON(kind) (1U << KIND_##kind)
#define OPENAI (ON(VLLM) | ON(SGLANG) | ON(LLAMACPP) | ON(NONE))

/* The columns of a row: the servers that have it, method, path, kind of request, what serves it. */
#define ROUTE(servers, with, at, sort, server)                                                     \
    .kinds = (servers), .method = (with), .path = (at), .kind = (sort), .serve = (server)
#define HEALTH(servers, at, writer)                                                                \
    ROUTE(servers, "GET", at, CONN_HEALTH, health_answer), .report = (writer)
#define LOAD(servers, at, writer) HEALTH(servers, at, writer), .is_load = true

/* The first row that fits. */
static const struct route routes[] = {
    {ROUTE(ALL, "GET", "{jobs}", CONN_OTHER, jobs_answer_all)},
    {ROUTE(ALL, "POST", "{jobs}", CONN_WORK, serve_new_job)},
    {ROUTE(ALL, NULL, "{jobs}", CONN_OTHER, refuse_method)},
    {ROUTE(ALL, "GET", "{jobs}/{id}", CONN_OTHER, jobs_answer_one), .own_odd = true},
    {ROUTE(ALL, "DELETE", "{jobs}/{id}", CONN_OTHER, jobs_answer_delete)},
    {ROUTE(ALL, NULL, "{jobs}/{id}", CONN_OTHER, refuse_method)},
    {ROUTE(ALL, NULL, "{jobs}/{id}/{more}", CONN_OTHER, jobs_answer_below), .own_odd = true},

    {HEALTH(ON(WHISPERX), "/health", report_whisperx)},
    {HEALTH(ON(VLLM) | ON(SGLANG), "/health", report_nothing)},
    {HEALTH(ON(LLAMACPP) | ON(WHISPERCPP), "/health", report_status_ok)},
    {HEALTH(ON(NONE), "/health", report_ok)},
    {HEALTH(ON(TRITON), "/v2/health/ready", report_nothing)},
    {HEALTH(ON(TRITON), "/v2/health/live", report_nothing)},
    {ROUTE(ALL & ~ON(TRITON), NULL, "/health", CONN_OTHER, refuse_method)},

    {LOAD(ON(VLLM), "/metrics", report_vllm_metrics)},
    {LOAD(ON(VLLM), "/load", report_vllm_load)},
    {LOAD(ON(SGLANG), "/v1/loads", report_sglang_loads)},
    {LOAD(ON(SGLANG), "/metrics", report_sglang_metrics)},
    {LOAD(ON(LLAMACPP), "/metrics", report_llamacpp_metrics)},
    {LOAD(ON(LLAMACPP), "/slots", report_llamacpp_slots)},
    {LOAD(ON(TRITON), "/metrics", report_triton_metrics), .at_metrics = true},
    {ROUTE(ON(WHISPERCPP), NULL, "/load", CONN_OTHER, refuse_model), .own_odd = true},

    {ROUTE(ON(WHISPERX), "POST", "/v1/uploads", CONN_OTHER, storage_answer_upload)},
    {ROUTE(ON(WHISPERX), "POST", "/v1/downloads", CONN_OTHER, storage_answer_download)},
    {ROUTE(ON(WHISPERX), NULL, "/v1/uploads", CONN_OTHER, refuse_method)},
    {ROUTE(ON(WHISPERX), NULL, "/v1/downloads", CONN_OTHER, refuse_method)},
    {ROUTE(ALL, "GET", "/v1/events", CONN_WORK, serve_events)},
    {ROUTE(ALL, NULL, "/v1/realtime", CONN_WORK, serve_websocket)},
    {ROUTE(ALL, NULL, "/v1/audio/transcriptions", CONN_WORK, serve_transcription)},
    {ROUTE(ON(WHISPERCPP), NULL, "/inference", CONN_WORK, serve_transcription)},
    {ROUTE(OPENAI, NULL, "/v1/chat/completions", CONN_WORK, serve_completion)},
    {ROUTE(OPENAI, NULL, "/v1/completions", CONN_WORK, serve_completion)},
    {ROUTE(OPENAI, NULL, "/v1/embeddings", CONN_WORK, serve_completion)},
    {ROUTE(OPENAI, NULL, "/v1/responses", CONN_WORK, serve_completion)},
    {ROUTE(OPENAI, "GET", "/v1/models", CONN_OTHER, answer_models)},
    {ROUTE(ON(SGLANG), NULL, "/generate", CONN_WORK, serve_completion)},
    {ROUTE(ON(LLAMACPP), NULL, "/completion", CONN_WORK, serve_completion)},
    {ROUTE(ON(TRITON), NULL, "/infer", CONN_WORK, serve_completion)},
};

/* In a row's path, by jobs_path.place. */
static const char *const job_paths[] = {[JOBS_NOWHERE] = NULL,
                                        [JOBS_ALL] = "{jobs}",
                                        [JOBS_ONE] = "{jobs}/{id}",
                                        [JOBS_BELOW] = "{jobs}/{id}/{more}"};

static bool fits(const struct route *route, const struct conn *conn)
{
    const struct request *request = &conn->request;
    const char *jobs = job_paths[conn->jobs_path.place];
    if ((route->kinds & 1U << conn->instance->settings.kind) == 0 ||
        route->at_metrics != conn->of_metrics ||
        (route->method != NULL && !slice_is(request->method, route->method))) {
        return false;
    }
    if (jobs != NULL) {
        return strcmp(route->path, jobs) == 0;
    }
    return slice_ends_with(request->path, route->path);
}

void route_find(struct conn *conn)
{
    static const struct route preflight = {ROUTE(ALL, "OPTIONS", "", CONN_OTHER, cors_answer)};
    static const struct route nothing = {ROUTE(ALL, NULL, "", CONN_OTHER, refuse_path)};
    const size_t count = sizeof routes / sizeof routes[0];
    size_t i = 0;
    conn->jobs_path = jobs_path_read(conn->request.path, conn->instance->sim->jobs_path);
    while (i < count && !fits(&routes[i], conn)) {
        i++;
    }
    conn->route = cors_is_preflight(conn) ? &preflight : i < count ? &routes[i] : &nothing;
    conn->kind = conn->route->kind;
}
