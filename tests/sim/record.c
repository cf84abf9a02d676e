#include "record.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t record_size(const struct record *record)
{
    return sizeof *record + record->head_bytes;
}

double record_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void record_store_init(struct record_store *store)
{
    memset(store, 0, sizeof *store);
    TAILQ_INIT(&store->all);
}

void record_log_init(struct record_log *log, size_t max, bool listed)
{
    memset(log, 0, sizeof *log);
    TAILQ_INIT(&log->list);
    log->max = max;
    log->listed = listed;
}

static void record_unfile(struct record_store *store, struct record *record)
{
    struct record_log *log = record->log;
    if (log == NULL) {
        return;
    }
    TAILQ_REMOVE(&log->list, record, in[RECORD_IN_LOG]);
    log->count--;
    if (log->listed) {
        TAILQ_REMOVE(&store->all, record, in[RECORD_IN_ALL]);
        store->bytes -= record_size(record);
    }
    record->log = NULL;
}

static void record_drop(struct record_store *store, struct record *record)
{
    record_unfile(store, record);
    if (!record->held) {
        free(record);
    }
}

void record_log_clear(struct record_store *store, struct record_log *log)
{
    while (!TAILQ_EMPTY(&log->list)) {
        record_drop(store, TAILQ_FIRST(&log->list));
    }
}

struct record *record_new(struct record_store *store, const char *head, size_t head_bytes)
{
    struct record *record = malloc(sizeof *record + head_bytes);
    if (record == NULL) {
        return NULL;
    }
    memset(record, 0, sizeof *record);
    record->id = ++store->last_id;
    record->started = record_now();
    record->held = true;
    record->head_bytes = head_bytes;
    memcpy(record->head, head, head_bytes);
    return record;
}

/* A record that moves between logs keeps its id, so it may have to go in before newer ones. */
static void insert_by_id(struct record_list *list, struct record *record,
                         enum record_list_kind kind)
{
    struct record *before = TAILQ_LAST(list, record_list);
    while (before != NULL && before->id > record->id) {
        before = TAILQ_PREV(before, record_list, in[kind]);
    }
    if (before == NULL) {
        TAILQ_INSERT_HEAD(list, record, in[kind]);
    } else {
        TAILQ_INSERT_AFTER(list, before, record, in[kind]);
    }
}

void record_file(struct record_store *store, struct record_log *log, struct record *record)
{
    record_unfile(store, record);
    record->log = log;
    insert_by_id(&log->list, record, RECORD_IN_LOG);
    if (log->listed) {
        insert_by_id(&store->all, record, RECORD_IN_ALL);
        store->bytes += record_size(record);
    }
    if (++log->count > log->max) {
        record_drop(store, TAILQ_FIRST(&log->list));
    }
    while (store->bytes > RECORD_BYTES_MAX) {
        record_drop(store, TAILQ_FIRST(&store->all));
    }
}

void record_release(struct record *record)
{
    record->held = false;
    if (record->log == NULL) {
        free(record);
    }
}

/* --- records as JSON */

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
    evbuffer_add_printf(out, ",\"complete\":%s,\"outcome\":\"%s\"",
                        record->complete ? "true" : "false", outcomes[record->outcome]);
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

void record_view(struct evbuffer *out, const struct record_list *list, enum record_list_kind kind,
                 uint64_t since)
{
    const char *separator = "";
    const struct record *record = TAILQ_FIRST(list);
    add(out, "{\"requests\":[");
    for (; record != NULL; record = TAILQ_NEXT(record, in[kind])) {
        if (record->id > since) {
            add(out, separator);
            add_record(out, record, kind == RECORD_IN_ALL);
            separator = ",";
        }
    }
    add(out, "]}");
}

/* --- the log of jobs */

struct joblog {
    FILE *file; /* owned */
    char buffer[JOBLOG_BUFFER_BYTES];
};

struct joblog *joblog_open(const char *path)
{
    struct joblog *log = malloc(sizeof *log);
    FILE *file = fopen(path, "we");
    if (log == NULL || file == NULL) {
        fprintf(stderr, "leastjobs-sim: cannot write %s: %s\n", path, strerror(errno));
        if (file != NULL) {
            fclose(file);
        }
        free(log);
        return NULL;
    }
    log->file = file;
    setvbuf(file, log->buffer, _IOFBF, sizeof log->buffer);
    fputs("job,instance,async,arrived,started,ended,excess,imbalance,outcome\n", file);
    return log;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

void joblog_name(struct joblog_entry *entry, struct slice name)
{
    entry->name[0] = '\0';
    if (name.at == NULL || name.len > JOBLOG_NAME_MAX) {
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.at[i])) {
            return;
        }
    }
    memcpy(entry->name, name.at, name.len);
    entry->name[name.len] = '\0';
}

void joblog_write(struct joblog *log, const struct joblog_entry *entry, double started,
                  const char *outcome)
{
    if (log == NULL) {
        return;
    }
    char start[32] = "";
    if (started > 0) {
        snprintf(start, sizeof start, "%.6f", started);
    }
    fprintf(log->file, "%s,%u,%d,%.6f,%s,%.6f,%" PRId64 ",%" PRId64 ",%s\n", entry->name,
            entry->instance, entry->async, entry->arrived, start, record_now(), entry->excess,
            entry->imbalance, outcome);
}

bool joblog_flush(struct joblog *log)
{
    return log == NULL || (fflush(log->file) == 0 && !ferror(log->file));
}

bool joblog_close(struct joblog *log)
{
    if (log == NULL) {
        return true;
    }
    bool good = joblog_flush(log);
    good = fclose(log->file) == 0 && good;
    if (!good) {
        fprintf(stderr, "leastjobs-sim: the log of jobs could not be written whole\n");
    }
    free(log);
    return good;
}
