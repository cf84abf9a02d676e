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

static void end_job(struct conn *conn)
{
    conn->job_ended = true;
    joblog_write(conn->instance->sim->joblog, &conn->entry, conn->job.started, "done");
}

static void job_done(void *arg)
{
    struct conn *conn = arg;
    conn_enter(conn);
    end_job(conn);
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else {
        respond_transcript(conn, conn->upload.format);
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

static void serve_transcription(struct conn *conn)
{
    bool odd = conn->odd.kind != ODD_NONE;
    if (!slice_is(conn->request.method, "POST") && !odd) {
        refuse_method(conn);
    } else if (conn->upload.error != NULL && !odd) {
        respond_detail(conn, 422, conn->upload.error);
    } else if (conn->entry.async) {
        jobs_accept(conn, JOBS_SHORT, job_time_us(conn));
    } else if (conn->accepted != JOBS_IN_BODY ||
               upload_is_true(&conn->upload, UPLOAD_STORED_OUTPUT)) {
        jobs_accept(conn, JOBS_WHISPERX, job_time_us(conn));
    } else if (odd_is_stream(&conn->odd)) {
        serve_stream(conn);
    } else {
        conn->state = CONN_JOB;
        job_submit(&conn->instance->queue, &conn->job, job_time_us(conn), job_done, conn);
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

/* The first row that fits. */
static const struct route routes[] = {
    {"GET", "{jobs}", CONN_OTHER, false, jobs_answer_all},
    {"POST", "{jobs}", CONN_WORK, false, serve_new_job},
    {NULL, "{jobs}", CONN_OTHER, false, refuse_method},
    {"GET", "{jobs}/{id}", CONN_OTHER, true, jobs_answer_one},
    {"DELETE", "{jobs}/{id}", CONN_OTHER, false, jobs_answer_delete},
    {NULL, "{jobs}/{id}", CONN_OTHER, false, refuse_method},
    {NULL, "{jobs}/{id}/{more}", CONN_OTHER, true, jobs_answer_below},
    {"GET", "/health", CONN_HEALTH, false, health_answer},
    {NULL, "/health", CONN_OTHER, false, refuse_method},
    {"POST", "/v1/uploads", CONN_OTHER, false, storage_answer_upload},
    {"POST", "/v1/downloads", CONN_OTHER, false, storage_answer_download},
    {NULL, "/v1/uploads", CONN_OTHER, false, refuse_method},
    {NULL, "/v1/downloads", CONN_OTHER, false, refuse_method},
    {"GET", "/v1/events", CONN_WORK, false, serve_events},
    {NULL, "/v1/realtime", CONN_WORK, false, serve_websocket},
    {NULL, "/v1/audio/transcriptions", CONN_WORK, false, serve_transcription},
    {NULL, "", CONN_OTHER, false, refuse_path},
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
    if (route->method != NULL && !slice_is(request->method, route->method)) {
        return false;
    }
    if (jobs != NULL) {
        return strcmp(route->path, jobs) == 0;
    }
    return slice_ends_with(request->path, route->path);
}

void route_find(struct conn *conn)
{
    static const struct route preflight = {"OPTIONS", "", CONN_OTHER, false, cors_answer};
    const struct route *route = routes;
    conn->jobs_path = jobs_path_read(conn->request.path, conn->instance->sim->jobs_path);
    while (!fits(route, conn)) {
        route++;
    }
    route = cors_is_preflight(conn) ? &preflight : route;
    conn->route = route;
    conn->kind = route->kind;
}
