#include "bulk.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "instance.h"
#include "jobs_api.h"

enum { NOT_GIVEN = -2 };

struct bulk {
    int64_t count;
    const char *prefix;  /* of the ids, before a number from 1; NULL: they are UUIDs */
    const cJSON *ids;    /* instead of count and prefix; or NULL */
    int64_t job_time_ms; /* -1: held; NOT_GIVEN: they are over already */
    int64_t result_bytes;
};

/* An absent member keeps its value. */
static bool read_number(const cJSON *object, const char *name, int64_t min, int64_t max,
                        int64_t *number, char error[BULK_ERROR_MAX])
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    if (value == NULL) {
        return true;
    }
    if (!cJSON_IsNumber(value) || value->valuedouble < (double)min ||
        value->valuedouble > (double)max ||
        value->valuedouble != (double)(int64_t)value->valuedouble) {
        snprintf(error, BULK_ERROR_MAX,
                 "bad value of %s: it takes a whole number from %" PRId64 " to %" PRId64, name, min,
                 max);
        return false;
    }
    *number = (int64_t)value->valuedouble;
    return true;
}

static bool check_members(const cJSON *object, char error[BULK_ERROR_MAX])
{
    static const char *const known[] = {"count", "prefix", "ids", "job_time_ms", "result_bytes"};
    const cJSON *member;
    cJSON_ArrayForEach(member, object)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(member->string, known[i]) != 0) {
            i++;
        }
        if (i == sizeof known / sizeof known[0]) {
            snprintf(error, BULK_ERROR_MAX,
                     "unknown key: there are count, prefix, ids, job_time_ms and result_bytes");
            return false;
        }
    }
    return true;
}

static bool read_bulk(const cJSON *object, struct bulk *bulk, char error[BULK_ERROR_MAX])
{
    const cJSON *prefix = cJSON_GetObjectItemCaseSensitive(object, "prefix");
    *bulk = (struct bulk){1, NULL, NULL, NOT_GIVEN, JOBS_RESULT_BYTES};
    if (!cJSON_IsObject(object)) {
        snprintf(error, BULK_ERROR_MAX, "not a JSON object");
        return false;
    }
    if (prefix != NULL &&
        (!cJSON_IsString(prefix) || strlen(prefix->valuestring) > BULK_PREFIX_MAX)) {
        snprintf(error, BULK_ERROR_MAX, "bad value of prefix: it takes up to %d bytes of text",
                 BULK_PREFIX_MAX);
        return false;
    }
    bulk->prefix = prefix == NULL ? NULL : prefix->valuestring;
    bulk->ids = cJSON_GetObjectItemCaseSensitive(object, "ids");
    if (bulk->ids != NULL && !cJSON_IsArray(bulk->ids)) {
        snprintf(error, BULK_ERROR_MAX, "bad value of ids: it takes an array of texts");
        return false;
    }
    return check_members(object, error) &&
           read_number(object, "count", 1, BULK_COUNT_MAX, &bulk->count, error) &&
           read_number(object, "job_time_ms", -1, INSTANCE_TIME_MS_MAX, &bulk->job_time_ms,
                       error) &&
           read_number(object, "result_bytes", 0, JOBS_RESULT_BYTES_MAX, &bulk->result_bytes,
                       error);
}

static bool make_one(const struct bulk *bulk, struct instance *instance, struct slice id,
                     char error[BULK_ERROR_MAX])
{
    const struct own_job_plan plan = {
        .id = id,
        .result_bytes = (uint64_t)bulk->result_bytes,
        .time_us = bulk->job_time_ms == -1 ? JOB_HELD : bulk->job_time_ms * 1000};
    const struct joblog_entry entry = {
        .instance = instance->number, .async = true, .arrived = record_now()};
    if (id.len == 0 || id.len > JOBS_ID_MAX || jobs_find(&instance->jobs, id) != NULL) {
        snprintf(error, BULK_ERROR_MAX, "an id is empty, longer than %d bytes or there already",
                 JOBS_ID_MAX);
        return false;
    }
    bool made = bulk->job_time_ms == NOT_GIVEN ? jobs_add_ended(instance, &plan)
                                               : jobs_submit(instance, &plan, &entry);
    if (!made) {
        snprintf(error, BULK_ERROR_MAX, "out of memory");
    }
    return made;
}

static bool make_listed(const struct bulk *bulk, struct instance *instance, struct evbuffer *out,
                        char error[BULK_ERROR_MAX])
{
    const cJSON *id;
    const char *separator = "";
    cJSON_ArrayForEach(id, bulk->ids)
    {
        const struct slice text = slice_of(cJSON_IsString(id) ? id->valuestring : "");
        if (!make_one(bulk, instance, text, error)) {
            return false;
        }
        evbuffer_add_printf(out, "%s", separator);
        slice_add_json(out, text);
        separator = ",";
    }
    return true;
}

static bool make_counted(const struct bulk *bulk, struct instance *instance, struct evbuffer *out,
                         char error[BULK_ERROR_MAX])
{
    char id[BULK_PREFIX_MAX + JOBS_NEW_ID_MAX];
    for (int64_t i = 1; i <= bulk->count; i++) {
        if (bulk->prefix == NULL) {
            jobs_new_id(id);
        } else {
            snprintf(id, sizeof id, "%s%" PRId64, bulk->prefix, i);
        }
        if (!make_one(bulk, instance, slice_of(id), error)) {
            return false;
        }
        evbuffer_add_printf(out, "%s", i == 1 ? "" : ",");
        slice_add_json(out, slice_of(id));
    }
    return true;
}

bool bulk_make(const cJSON *object, struct instance *instance, struct evbuffer *out,
               char error[BULK_ERROR_MAX])
{
    struct bulk bulk;
    if (!read_bulk(object, &bulk, error)) {
        return false;
    }
    evbuffer_add_printf(out, "{\"ids\":[");
    bool made = bulk.ids != NULL ? make_listed(&bulk, instance, out, error)
                                 : make_counted(&bulk, instance, out, error);
    evbuffer_add_printf(out, "]}");
    return made;
}
