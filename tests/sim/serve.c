#include "serve.h"

#include <string.h>

#include "conn.h"
#include "instance.h"
#include "odd.h"
#include "respond.h"
#include "routes.h"

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

static const char *read_job_fields(struct conn *conn)
{
    const struct request *request = &conn->request;
    char id[JOBS_ID_MAX];
    size_t len = 0;
    conn->result_bytes = JOBS_RESULT_BYTES;
    if (request->sim_async.at != NULL) {
        conn->entry.async = slice_is(request->sim_async, "1");
        if (!conn->entry.async) {
            return "bad X-Sim-Async";
        }
    }
    if (request->sim_job_id.at != NULL &&
        (!slice_decode(request->sim_job_id, false, id, sizeof id, &len) || len == 0)) {
        return "bad X-Sim-Job-Id";
    }
    if (request->sim_accepted.at != NULL &&
        !jobs_parse_accepted(request->sim_accepted, &conn->accepted)) {
        return "bad X-Sim-Accepted";
    }
    if (request->sim_result_bytes.at != NULL &&
        (!slice_to_number(request->sim_result_bytes, &conn->result_bytes) ||
         conn->result_bytes > JOBS_RESULT_BYTES_MAX)) {
        return "bad X-Sim-Result-Bytes";
    }
    return NULL;
}

/* Reads the X-Sim- fields. An error is reported once the body has arrived. */
static void read_steering(struct conn *conn)
{
    if (conn->kind == CONN_HEALTH) {
        return;
    }
    const char *error = read_job_time(conn);
    conn->steer_error = error != NULL ? error : read_job_fields(conn);
    if (conn->request.sim_response.at != NULL &&
        !odd_parse(conn->request.sim_response, &conn->odd)) {
        conn->steer_error = "bad X-Sim-Response";
    }
    if (conn->request.sim_response.at == NULL && conn->kind == CONN_WORK) {
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
    route_find(conn);
    file(conn);
    if (conn->kind == CONN_WORK) {
        begin_entry(conn);
    }
    read_steering(conn);
    body_init(&conn->body, &conn->request);
    bool has_body = conn->body.state != BODY_WHOLE;
    upload_begin(&conn->upload, &conn->request, has_body && conn->kind != CONN_HEALTH);
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
    /* Jobs have a queue of their own. */
    if (conn->kind != CONN_WORK && !conn->of_metrics && instance_is_locked(conn->instance)) {
        conn_lock(conn);
    } else {
        serve_now(conn);
    }
}

void serve_now(struct conn *conn)
{
    if (conn->steer_error != NULL) {
        respond_detail(conn, 400, conn->steer_error);
    } else if (conn->kind == CONN_OTHER && conn->odd.kind != ODD_NONE && !conn->route->own_odd) {
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
    /* A job that lasted as long as its response is over with it. */
    if (outcome == RECORD_ANSWERED && conn->job.state == JOB_RUNNING) {
        conn->job_ended = true;
        joblog_write(conn->instance->sim->joblog, &conn->entry, conn->job.started, "done");
        job_cancel(&conn->job);
    }
    /* An instance that dies (CONN_RESET) does end its jobs. */
    if (conn->instance->settings.deaf && conn->after != CONN_RESET &&
        jobs_adopt(conn->instance, &conn->job, &conn->entry)) {
        conn->detached = true;
    }
    bool job_is_over = conn->job_ended || conn->detached;
    if (conn->kind == CONN_WORK && outcome == RECORD_ABORTED && !job_is_over) {
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
    upload_free(&conn->upload);
    conn->odd = (struct odd){0};
    conn->pieces = 0;
    conn->steer_error = NULL;
    conn->has_job_time = false;
    conn->accepted = JOBS_IN_BODY;
    conn->job_ended = false;
    conn->detached = false;
    job_cancel(&conn->job);
    conn->job.started = 0;
}
