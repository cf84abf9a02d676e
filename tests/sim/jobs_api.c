#include "jobs_api.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

enum {
    RETENTION_SECONDS = 24 * 3600,
    ENCODED_ID_MAX = 3 * JOBS_ID_MAX + 1,
    LOCATION_MAX = ENCODED_ID_MAX + 512
};

/* --- ids and paths */

/* From the first place where the jobs' path stands, whatever comes before. */
static bool read_path(struct slice path, const char *jobs, struct jobs_path *found)
{
    const char *at = memmem(path.at, path.len, jobs, strlen(jobs));
    if (at == NULL) {
        return false;
    }
    slice_take(&path, (size_t)(at - path.at) + strlen(jobs));
    if (path.len > 0 && path.at[0] != '/') {
        return false;
    }
    slice_take(&path, path.len > 0 ? 1 : 0);
    found->place = JOBS_BELOW;
    if (!slice_take_until(&path, '/', &found->id)) {
        found->id = path;
        found->place = path.len > 0 ? JOBS_ONE : JOBS_ALL;
    }
    found->more = path;
    return found->place == JOBS_ALL || found->id.len > 0;
}

struct jobs_path jobs_path_read(struct slice path, const char *openai_path)
{
    struct jobs_path found = {JOBS_NOWHERE, false, {NULL, 0}, {NULL, 0}};
    found.openai = openai_path != NULL && read_path(path, openai_path, &found);
    if (!found.openai && !read_path(path, JOBS_WHISPERX_PATH, &found)) {
        found.place = JOBS_NOWHERE;
    }
    return found;
}

void jobs_new_id(char id[JOBS_NEW_ID_MAX])
{
    unsigned char bytes[16] = {0};
    RAND_bytes(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    char *at = id;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bool hyphen = i == 4 || i == 6 || i == 8 || i == 10;
        at += sprintf(at, "%s%02x", hyphen ? "-" : "", bytes[i]);
    }
}

/* All but the unreserved characters (RFC 3986, 2.3). */
static void encode_id(struct slice id, char text[ENCODED_ID_MAX])
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    char *at = text;
    for (size_t i = 0; i < id.len; i++) {
        if (memchr(unreserved, id.at[i], sizeof unreserved - 1) != NULL) {
            *at++ = id.at[i];
        } else {
            at += sprintf(at, "%%%02X", (unsigned char)id.at[i]);
        }
    }
    *at = '\0';
}

static struct slice id_of(const struct own_job *job)
{
    return (struct slice){job->id, job->id_len};
}

/* --- a job as JSON: the members, without the braces */

static void add_times(struct evbuffer *out, const struct own_job *job)
{
    double end = job->ended > 0 ? job->ended : record_now();
    evbuffer_add_printf(out, "\"start_time\":%.6f,\"timeout_at\":%.6f,\"input_source\":\"file\"",
                        job->accepted, job->accepted + RETENTION_SECONDS);
    if (job->ended > 0) {
        evbuffer_add_printf(out,
                            ",\"end_time\":%.6f,\"result_available\":true,"
                            "\"result_expires_at\":%.6f",
                            end, end + RETENTION_SECONDS);
    }
    evbuffer_add_printf(out, ",\"elapsed_time\":%.6f", end - job->accepted);
}

static void add_whisperx(struct evbuffer *out, const struct own_job *job)
{
    evbuffer_add_printf(out, "\"status\":\"%s\",\"progress\":\"%s\",",
                        job->ended > 0 ? "completed" : "processing",
                        job->ended > 0 ? "Done" : "Transcribing audio");
    add_times(out, job);
}

static void add_openai(struct evbuffer *out, const struct own_job *job)
{
    const char *going_on = job->job.state == JOB_RUNNING ? "in_progress" : "queued";
    evbuffer_add_printf(out, "\"id\":");
    slice_add_json(out, id_of(job));
    evbuffer_add_printf(out,
                        ",\"object\":\"video\",\"model\":\"simulated\",\"status\":\"%s\","
                        "\"progress\":%d,\"created_at\":%" PRId64,
                        job->ended > 0 ? "completed" : going_on, job->ended > 0 ? 100 : 0,
                        (int64_t)job->accepted);
    if (job->ended > 0) {
        evbuffer_add_printf(out, ",\"completed_at\":%" PRId64 ",\"expires_at\":%" PRId64,
                            (int64_t)job->ended, (int64_t)job->ended + RETENTION_SECONDS);
    } else {
        evbuffer_add_printf(out, ",\"completed_at\":null,\"expires_at\":null");
    }
    evbuffer_add_printf(out, ",\"seconds\":\"4\",\"size\":\"720x1280\",\"error\":null");
}

static void view_whisperx(struct evbuffer *out, const struct jobs *jobs)
{
    const char *separator = "";
    evbuffer_add_printf(out, "{\"total_jobs\":%zu,\"jobs\":{", jobs->known_count);
    for (const struct own_job *job = TAILQ_FIRST(&jobs->list); job != NULL;
         job = TAILQ_NEXT(job, link)) {
        if (job->known) {
            evbuffer_add_printf(out, "%s", separator);
            slice_add_json(out, id_of(job));
            evbuffer_add_printf(out, ":{");
            add_whisperx(out, job);
            evbuffer_add_printf(out, "}");
            separator = ",";
        }
    }
    evbuffer_add_printf(out, "}}");
}

static void view_openai(struct evbuffer *out, const struct jobs *jobs)
{
    const struct own_job *first = NULL;
    const struct own_job *last = NULL;
    evbuffer_add_printf(out, "{\"object\":\"list\",\"data\":[");
    for (const struct own_job *job = TAILQ_FIRST(&jobs->list); job != NULL;
         job = TAILQ_NEXT(job, link)) {
        if (job->known) {
            evbuffer_add_printf(out, "%s{", first == NULL ? "" : ",");
            add_openai(out, job);
            evbuffer_add_printf(out, "}");
            first = first == NULL ? job : first;
            last = job;
        }
    }
    evbuffer_add_printf(out, "],\"has_more\":false");
    if (first != NULL) {
        evbuffer_add_printf(out, ",\"first_id\":");
        slice_add_json(out, id_of(first));
        evbuffer_add_printf(out, ",\"last_id\":");
        slice_add_json(out, id_of(last));
    }
    evbuffer_add_printf(out, "}");
}

void jobs_view(struct evbuffer *out, const struct instance *instance, bool openai)
{
    if (openai) {
        view_openai(out, &instance->jobs);
    } else {
        view_whisperx(out, &instance->jobs);
    }
}

/* --- answers about jobs */

static const struct response good = {.status = 200, .type = RESPOND_JSON};

static void refuse_unknown(struct conn *conn, struct slice id)
{
    struct evbuffer *body = conn->instance->sim->scratch;
    if (conn->jobs_path.openai) {
        evbuffer_add_printf(body,
                            "{\"error\":{\"message\":\"Video with this id not found\",\"type\":"
                            "\"invalid_request_error\",\"param\":\"video_id\",\"code\":null},"
                            "\"id\":");
        slice_add_json(body, id);
        evbuffer_add_printf(body, "}");
    } else {
        evbuffer_add_printf(body, "{\"detail\":\"Job not found: ");
        slice_add_json_part(body, id);
        evbuffer_add_printf(body,
                            ". Note: Job records are automatically cleaned up after completion "
                            "based on retention settings.\"}");
    }
    respond_buffer(conn, &(const struct response){.status = 404, .type = RESPOND_JSON}, body);
}

/* The job that the path names; NULL: there is none, and that has been answered. */
static struct own_job *find(struct conn *conn)
{
    char bytes[JOBS_ID_MAX];
    struct slice id = {bytes, 0};
    bool fits = slice_decode(conn->jobs_path.id, false, bytes, sizeof bytes, &id.len);
    struct own_job *job = fits ? jobs_find(&conn->instance->jobs, id) : NULL;
    if (job == NULL) {
        refuse_unknown(conn, fits ? id : conn->jobs_path.id);
    }
    return job;
}

void jobs_answer_all(struct conn *conn)
{
    struct evbuffer *body = conn->instance->sim->scratch;
    jobs_view(body, conn->instance, conn->jobs_path.openai);
    respond_buffer(conn, &good, body);
}

/* The parameter include_result: true unless it says otherwise. */
static bool wants_result(struct slice query)
{
    struct slice pair, name;
    while (query.len > 0) {
        if (!slice_take_until(&query, '&', &pair)) {
            pair = slice_take(&query, query.len);
        }
        if (slice_take_until(&pair, '=', &name) && slice_is(name, "include_result")) {
            return !slice_is_false(pair);
        }
    }
    return true;
}

/* Of any size: the text comes last, so that it can be made as it is sent. */
static void answer_with_result(struct conn *conn, const struct own_job *job)
{
    static const char tail[] = "\"}}";
    struct evbuffer *body = conn->instance->sim->scratch;
    evbuffer_add_printf(body,
                        ",\"result\":{\"status\":\"success\",\"result\":{\"language\":\"en\","
                        "\"segments\":[{\"start\":0.0,\"end\":1.0,\"text\":"
                        "\"simulated transcript from instance %u\"}]},\"processing_info\":"
                        "{\"device\":\"cuda\",\"language_detected\":\"en\"},\"text\":\"",
                        conn->instance->number);
    respond_filled(conn, &good, body, filler_letters(job->result_bytes), tail);
}

void jobs_answer_one(struct conn *conn)
{
    struct own_job *job = find(conn);
    struct evbuffer *body = conn->instance->sim->scratch;
    if (job == NULL) {
        return;
    }
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
        return;
    }
    evbuffer_add_printf(body, "{");
    if (conn->jobs_path.openai) {
        add_openai(body, job);
    } else {
        add_whisperx(body, job);
        evbuffer_add_printf(body, ",\"job_id\":");
        slice_add_json(body, id_of(job));
        if (job->ended > 0 && wants_result(conn->request.query)) {
            answer_with_result(conn, job);
            return;
        }
    }
    evbuffer_add_printf(body, "}");
    respond_buffer(conn, &good, body);
}

void jobs_answer_delete(struct conn *conn)
{
    if (!conn->instance->settings.deletes) {
        respond_with(conn, &(const struct response){.status = 405,
                                                    .type = RESPOND_JSON,
                                                    .fields = "Allow: GET\r\n",
                                                    .body = "{\"detail\":\"Method Not Allowed\"}"});
        return;
    }
    struct own_job *job = find(conn);
    struct evbuffer *body = conn->instance->sim->scratch;
    if (job == NULL) {
        return;
    }
    evbuffer_add_printf(body, "{\"%s\":", conn->jobs_path.openai ? "id" : "job_id");
    slice_add_json(body, id_of(job));
    evbuffer_add_printf(body, "%s,\"deleted\":true}",
                        conn->jobs_path.openai ? ",\"object\":\"video.deleted\"" : "");
    jobs_delete(job);
    respond_buffer(conn, &good, body);
}

/* …/content is the result's bytes; of all other paths the answer says what came here. */
void jobs_answer_below(struct conn *conn)
{
    struct own_job *job = find(conn);
    struct evbuffer *body = conn->instance->sim->scratch;
    if (job == NULL) {
        return;
    }
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else if (slice_is(conn->jobs_path.more, "content")) {
        respond_filled(conn,
                       &(const struct response){.status = 200, .type = "application/octet-stream"},
                       body, filler_pattern(job->result_bytes), "");
    } else {
        evbuffer_add_printf(body, "{\"job_id\":");
        slice_add_json(body, id_of(job));
        evbuffer_add_printf(body, ",\"method\":");
        slice_add_json(body, conn->request.method);
        evbuffer_add_printf(body, ",\"path\":");
        slice_add_json(body, conn->jobs_path.more);
        evbuffer_add_printf(body, "}");
        respond_buffer(conn, &good, body);
    }
}

/* --- a new one */

bool jobs_parse_accepted(struct slice value, enum jobs_accepted *accepted)
{
    *accepted = slice_is(value, "location") ? JOBS_IN_LOCATION : JOBS_IN_OPERATION_LOCATION;
    return *accepted == JOBS_IN_LOCATION || slice_is(value, "operation-location");
}

/* The id that the client chose, or a new one. */
static void choose_id(const struct conn *conn, enum jobs_form form, char bytes[JOBS_ID_MAX],
                      struct slice *id)
{
    char unique[JOBS_NEW_ID_MAX];
    *id = (struct slice){bytes, 0};
    if (conn->request.sim_job_id.at != NULL) {
        slice_decode(conn->request.sim_job_id, false, bytes, JOBS_ID_MAX, &id->len);
    } else if (form == JOBS_SHORT) {
        id->len = (size_t)snprintf(bytes, JOBS_ID_MAX, "%" PRIu64, conn->record->id);
    } else {
        jobs_new_id(unique);
        id->len = (size_t)snprintf(bytes, JOBS_ID_MAX, "%s%s", form == JOBS_OPENAI ? "video_" : "",
                                   unique);
    }
}

static void add_whisperx_answer(struct evbuffer *out, struct slice id)
{
    char encoded[ENCODED_ID_MAX];
    encode_id(id, encoded);
    evbuffer_add_printf(out, "{\"job_id\":");
    slice_add_json(out, id);
    evbuffer_add_printf(
        out,
        ",\"status\":\"in_progress\",\"message\":\"Transcription job started. Results will be "
        "stored "
        "locally and retrievable via GET " JOBS_WHISPERX_PATH
        "/%s for 24.0 hours.\",\"processing_info\":{\"device\":\"cuda\",\"language\":\"en\","
        "\"timestamp_granularities\":[\"segment\"],\"diarization_enabled\":true,"
        "\"optimized_alignment\":true},\"retrieval_info\":{\"method\":\"GET " JOBS_WHISPERX_PATH
        "/{job_id}\",\"retention_seconds\":%d,\"note\":\"Poll this endpoint to check status and "
        "retrieve results when complete\"}}",
        encoded, RETENTION_SECONDS);
}

/* 202, with the id in a header field only. */
static void respond_with_location(struct conn *conn, enum jobs_form form, struct slice id)
{
    char encoded[ENCODED_ID_MAX];
    char fields[LOCATION_MAX];
    const char *path = form == JOBS_OPENAI ? conn->instance->sim->jobs_path : JOBS_WHISPERX_PATH;
    int host = conn->request.host.len < 255 ? (int)conn->request.host.len : 255;
    encode_id(id, encoded);
    if (conn->accepted == JOBS_IN_LOCATION) {
        snprintf(fields, sizeof fields, "Location: %s/%s\r\n", path, encoded);
    } else {
        snprintf(fields, sizeof fields,
                 "Operation-Location: http://%.*s%s/%s?api-version=2024-11-30#status\r\n"
                 "Retry-After: 1\r\n",
                 host, conn->request.host.at == NULL ? "" : conn->request.host.at, path, encoded);
    }
    respond_with(conn, &(const struct response){.status = 202,
                                                .type = RESPOND_JSON,
                                                .fields = fields,
                                                .body = "{\"status\":\"running\"}"});
}

static void respond_accepted(struct conn *conn, enum jobs_form form, struct slice id)
{
    struct evbuffer *body = conn->instance->sim->scratch;
    const struct own_job *job = jobs_find(&conn->instance->jobs, id);
    if (conn->accepted != JOBS_IN_BODY) {
        respond_with_location(conn, form, id);
        return;
    }
    if (form == JOBS_WHISPERX) {
        add_whisperx_answer(body, id);
    } else if (form == JOBS_OPENAI && job != NULL) {
        evbuffer_add_printf(body, "{");
        add_openai(body, job);
        evbuffer_add_printf(body, "}");
    } else {
        evbuffer_add_printf(body, "{\"job_id\":");
        slice_add_json(body, id);
        evbuffer_add_printf(body, ",\"status\":\"queued\"}");
    }
    respond_buffer(conn, &good, body);
}

/* Submits first: whoever has the answer sees the job counted. */
void jobs_accept(struct conn *conn, enum jobs_form form, int64_t time_us)
{
    char bytes[JOBS_ID_MAX];
    struct own_job_plan plan = {.result_bytes = conn->result_bytes, .time_us = time_us};
    choose_id(conn, form, bytes, &plan.id);
    if (jobs_find(&conn->instance->jobs, plan.id) != NULL) {
        respond_detail(conn, 409, "a job of this id is here already");
        return;
    }
    conn->entry.async = true;
    if (!jobs_submit(conn->instance, &plan, &conn->entry)) {
        conn_doom(conn, true);
        return;
    }
    conn->detached = true;
    if (conn->odd.kind != ODD_NONE) {
        odd_respond(conn);
    } else {
        respond_accepted(conn, form, plan.id);
    }
}
