#include "routes.h"

#include "conn.h"
#include "health.h"
#include "instance.h"
#include "respond.h"

enum { JOB_TIME_SECONDS_MAX = 1000 * 1000 * 1000 };

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

/* WhisperX. The first row that fits. */
static const struct route routes[] = {
    {"GET", "/health", CONN_HEALTH, health_answer},
    {NULL, "/health", CONN_OTHER, refuse_method},
    {NULL, "/v1/audio/transcriptions", CONN_TRANSCRIPTION, serve_transcription},
    {NULL, "", CONN_OTHER, refuse_path},
};

const struct route *route_find(const struct request *request)
{
    const struct route *route = routes;
    while ((route->method != NULL && !slice_is(request->method, route->method)) ||
           !slice_ends_with(request->path, route->path)) {
        route++;
    }
    return route;
}
