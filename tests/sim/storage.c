#include "storage.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

#define UPLOAD_BUCKET "default-uploads"

static struct slice or_else(struct slice value, const char *otherwise)
{
    return value.len > 0 ? value : slice_of(otherwise);
}

static void add_member(struct evbuffer *out, const char *name, struct slice value,
                       const char *otherwise)
{
    evbuffer_add_printf(out, ",\"%s\":", name);
    slice_add_json(out, or_else(value, otherwise));
}

/* As FastAPI says that a form lacks something. */
static void refuse_missing(struct conn *conn, const char *name)
{
    char body[160];
    snprintf(
        body, sizeof body,
        "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"%s\"],\"msg\":\"Field required\","
        "\"input\":null}]}",
        name);
    respond_with(conn, &(const struct response){.status = 422, .type = RESPOND_JSON, .body = body});
}

static void format_now(char text[32])
{
    time_t now = time(NULL);
    struct tm parts;
    strftime(text, 32, "%Y-%m-%dT%H:%M:%S", localtime_r(&now, &parts));
}

void storage_answer_upload(struct conn *conn)
{
    const struct upload *upload = &conn->upload;
    struct evbuffer *body = conn->instance->sim->scratch;
    struct slice key = upload_value(upload, UPLOAD_KEY);
    char now[32];
    char new_key[64];
    if (!conn->instance->settings.storage) {
        respond_detail(conn, 500,
                       "Cloud storage not configured. Check server storage credentials.");
        return;
    }
    if (!upload->has_file) {
        refuse_missing(conn, "file");
        return;
    }
    format_now(now);
    snprintf(new_key, sizeof new_key, "uploads/%" PRIu64 ".wav", conn->record->id);
    evbuffer_add_printf(body, "{\"status\":\"success\",\"message\":\"File uploaded successfully\","
                              "\"bucket\":\"" UPLOAD_BUCKET "\"");
    add_member(body, "key", key, new_key);
    evbuffer_add_printf(body, ",\"file_size\":%" PRIu64, upload->wav.bytes);
    add_member(body, "original_filename", upload_value(upload, UPLOAD_FILE_NAME), "");
    add_member(body, "content_type", upload_value(upload, UPLOAD_FILE_TYPE), "");
    evbuffer_add_printf(body, ",\"upload_timestamp\":\"%s\"", now);
    evbuffer_add_printf(body, ",\"storage_url\":\"s3://" UPLOAD_BUCKET "/");
    slice_add_json_part(body, or_else(key, new_key));
    evbuffer_add_printf(body, "\"}");
    respond_buffer(conn, &(const struct response){.status = 200, .type = RESPOND_JSON}, body);
}

/* What stands behind the last slash, without what a header field can't have. */
static void format_name(struct slice key, char name[UPLOAD_VALUE_MAX + 1])
{
    size_t len = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.at[i] == '/') {
            len = 0;
        } else if ((unsigned char)key.at[i] > 0x20 && key.at[i] != 0x7f) {
            name[len++] = key.at[i];
        }
    }
    name[len] = '\0';
}

void storage_answer_download(struct conn *conn)
{
    struct slice key = upload_value(&conn->upload, UPLOAD_KEY);
    struct slice begin = key;
    char name[UPLOAD_VALUE_MAX + 1];
    char fields[UPLOAD_VALUE_MAX + 64];
    if (!conn->instance->settings.storage) {
        respond_detail(conn, 500, "Cloud storage client not configured");
    } else if (key.len == 0) {
        refuse_missing(conn, "key");
    } else if (slice_take_prefix(&begin, "missing")) {
        respond_detail(conn, 404, "File not found: An error occurred (NoSuchKey)");
    } else {
        format_name(key, name);
        snprintf(fields, sizeof fields, "Content-Disposition: attachment; filename=%s\r\n", name);
        respond_filled(conn,
                       &(const struct response){
                           .status = 200, .type = "application/octet-stream", .fields = fields},
                       conn->instance->sim->scratch, filler_pattern(conn->result_bytes), "");
    }
}
