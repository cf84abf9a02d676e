#include "record.h"

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
    TAILQ_REMOVE(&log->list, record, in_log);
    log->count--;
    if (log->listed) {
        TAILQ_REMOVE(&store->all, record, in_all);
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

void record_store_clear(struct record_store *store)
{
    while (!TAILQ_EMPTY(&store->all)) {
        record_drop(store, TAILQ_FIRST(&store->all));
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
static void record_insert_by_id(struct record_store *store, struct record *record)
{
    struct record *before = TAILQ_LAST(&store->all, record_list);
    while (before != NULL && before->id > record->id) {
        before = TAILQ_PREV(before, record_list, in_all);
    }
    if (before == NULL) {
        TAILQ_INSERT_HEAD(&store->all, record, in_all);
    } else {
        TAILQ_INSERT_AFTER(&store->all, before, record, in_all);
    }
    store->bytes += record_size(record);
}

void record_file(struct record_store *store, struct record_log *log, struct record *record)
{
    record_unfile(store, record);
    record->log = log;
    struct record *before = TAILQ_LAST(&log->list, record_list);
    while (before != NULL && before->id > record->id) {
        before = TAILQ_PREV(before, record_list, in_log);
    }
    if (before == NULL) {
        TAILQ_INSERT_HEAD(&log->list, record, in_log);
    } else {
        TAILQ_INSERT_AFTER(&log->list, before, record, in_log);
    }
    if (log->listed) {
        record_insert_by_id(store, record);
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
