#include "view.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "request.h"

static void add(struct evbuffer *out, const char *text)
{
    evbuffer_add(out, text, strlen(text));
}

/* Escapes into text, which takes six bytes for each one; returns the length. Bytes above 0x7f
 * stand for the characters of that number (ISO 8859-1), so that nothing is lost: the field was
 * bytes, not text. */
static size_t escape(char *text, const char *bytes, size_t len)
{
    char *at = text;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c < 0x20 || c == 0x7f) {
            at += sprintf(at, "\\u%04x", c);
        } else if (c < 0x7f) {
            *at++ = (char)c;
        } else {
            *at++ = (char)(0xc0 | c >> 6);
            *at++ = (char)(0x80 | (c & 0x3f));
        }
    }
    return (size_t)(at - text);
}

static void add_string(struct evbuffer *out, struct slice value)
{
    char text[6 * 256 + 8];
    if (value.at == NULL) {
        add(out, "null");
        return;
    }
    add(out, "\"");
    while (value.len > 0) {
        size_t part = value.len < 256 ? value.len : 256;
        evbuffer_add(out, text, escape(text, value.at, part));
        value.at += part;
        value.len -= part;
    }
    add(out, "\"");
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

void view_instance(struct evbuffer *out, const struct instance *instance)
{
    const struct instance_settings *settings = &instance->settings;
    const struct instance_counters *counters = &instance->counters;
    char health[HEALTH_NAME_MAX];
    char job_time[24] = "null";
    char response[ODD_NAME_MAX];
    health_format(&settings->health, health);
    odd_format(&settings->response, response);
    if (settings->job_time_ms != INSTANCE_TIME_BY_AUDIO) {
        snprintf(job_time, sizeof job_time, "%" PRId64, settings->job_time_ms);
    }
    evbuffer_add_printf(
        out,
        "{\"instance\":%u,\"url\":\"%s\",\"listening\":%s,\"health\":\"%s\",\"external_jobs\":"
        "%" PRId64 ",\"running\":%u,\"queued\":%u,\"active_jobs\":%" PRId64 ",\"uploading\":%u",
        instance->number, instance->url, bool_text(instance->listening), health,
        settings->external_jobs, instance->jobs.running_count, instance->jobs.waiting_count,
        instance_active(instance), instance->uploading);
    evbuffer_add_printf(out,
                        ",\"finished\":%" PRIu64 ",\"aborted\":%" PRIu64 ",\"requests\":%" PRIu64
                        ",\"health_requests\":%" PRIu64 ",\"connections\":%" PRIu64
                        ",\"open_connections\":%u,\"max_active\":%u",
                        counters->finished, counters->aborted, counters->requests,
                        counters->health_requests, counters->connections,
                        instance->open_connections, instance->jobs.max_active);
    evbuffer_add_printf(
        out, ",\"slots\":%u,\"job_time_ms\":%s,\"factor\":%g,\"speed\":%g,\"form\":\"%s\"",
        instance->jobs.slots, job_time, settings->factor, settings->speed,
        settings->form == INSTANCE_FLAT ? "flat" : "nested");
    bool odd = response[0] != '\0';
    evbuffer_add_printf(out, ",\"response\":%s%s%s,\"deaf\":%s}", odd ? "\"" : "null", response,
                        odd ? "\"" : "", bool_text(settings->deaf));
}

void view_instances(struct evbuffer *out, const struct sim *sim)
{
    add(out, "{\"instances\":[");
    for (size_t i = 0; i < sim->instance_count; i++) {
        add(out, i > 0 ? "," : "");
        view_instance(out, &sim->instances[i]);
    }
    add(out, "]}");
}

static void add_headers(struct evbuffer *out, struct slice rest)
{
    struct slice name, value;
    const char *separator = "";
    add(out, ",\"headers\":[");
    while (request_next_field(&rest, &name, &value)) {
        add(out, separator);
        add(out, "[");
        add_string(out, name);
        add(out, ",");
        add_string(out, value);
        add(out, "]");
        separator = ",";
    }
    add(out, "]");
}

static struct slice find_host(struct slice rest)
{
    struct slice name, value;
    while (request_next_field(&rest, &name, &value)) {
        if (slice_is_nocase(name, "host")) {
            return value;
        }
    }
    return (struct slice){NULL, 0};
}

/* What was sent instead of a request shows as the target, as far as it was kept. */
static void add_head(struct evbuffer *out, const struct record *record)
{
    struct slice rest = {record->head, record->head_bytes};
    struct slice line = rest;
    struct request request = {.method = {"BAD", 3}, .target = rest};
    if (record->headless) {
        rest.len = 0;
    } else if (request_next_line(&rest, &line)) {
        const char *first = memchr(line.at, ' ', line.len);
        const char *second = memrchr(line.at, ' ', line.len);
        request.target = (struct slice){first + 1, (size_t)(second - first - 1)};
        if (!record->bad) {
            request.method = (struct slice){line.at, (size_t)(first - line.at)};
        }
    }
    add(out, ",\"method\":");
    add_string(out, request.method);
    add(out, ",\"target\":");
    add_string(out, request.target);
    add(out, ",\"host\":");
    add_string(out, find_host(rest));
    add_headers(out, rest);
    if (record->error != NULL) {
        evbuffer_add_printf(out, ",\"error\":\"%s\"", record->error);
    }
}

static void add_hash(struct evbuffer *out, const struct record *record)
{
    char text[2 * sizeof record->sha256 + 1];
    for (size_t i = 0; i < sizeof record->sha256; i++) {
        snprintf(text + 2 * i, 3, "%02x", record->sha256[i]);
    }
    if (record->hashed) {
        evbuffer_add_printf(out, ",\"body_sha256\":\"%s\"", text);
    } else {
        add(out, ",\"body_sha256\":null");
    }
}

static void add_record(struct evbuffer *out, const struct record *record, bool with_instance)
{
    static const char *const outcomes[] = {
        [RECORD_OPEN] = "open", [RECORD_ANSWERED] = "answered", [RECORD_ABORTED] = "aborted"};
    evbuffer_add_printf(out, "{\"id\":%" PRIu64, record->id);
    if (with_instance) {
        evbuffer_add_printf(out, ",\"instance\":%u", record->instance);
    }
    evbuffer_add_printf(out, ",\"connection\":%" PRIu64, record->connection);
    add_head(out, record);
    evbuffer_add_printf(out, ",\"body_bytes\":%" PRIu64, record->body_bytes);
    add_hash(out, record);
    evbuffer_add_printf(out, ",\"complete\":%s,\"outcome\":\"%s\"", bool_text(record->complete),
                        outcomes[record->outcome]);
    if (record->status != 0) {
        evbuffer_add_printf(out, ",\"status\":%d", record->status);
    } else {
        add(out, ",\"status\":null");
    }
    evbuffer_add_printf(out, ",\"started\":%.6f", record->started);
    if (record->outcome == RECORD_OPEN) {
        add(out, ",\"ended\":null}");
    } else {
        evbuffer_add_printf(out, ",\"ended\":%.6f}", record->ended);
    }
}

void view_log(struct evbuffer *out, const struct record_log *log, uint64_t since)
{
    const char *separator = "";
    const struct record *record = TAILQ_FIRST(&log->list);
    add(out, "{\"requests\":[");
    for (; record != NULL; record = TAILQ_NEXT(record, in_log)) {
        if (record->id > since) {
            add(out, separator);
            add_record(out, record, false);
            separator = ",";
        }
    }
    add(out, "]}");
}

void view_all(struct evbuffer *out, const struct record_store *store, uint64_t since)
{
    const char *separator = "";
    const struct record *record = TAILQ_FIRST(&store->all);
    add(out, "{\"requests\":[");
    for (; record != NULL; record = TAILQ_NEXT(record, in_all)) {
        if (record->id > since) {
            add(out, separator);
            add_record(out, record, true);
            separator = ",";
        }
    }
    add(out, "]}");
}
