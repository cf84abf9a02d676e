#include "jobs/verdict.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "names.h"
#include "xalloc.h"

#define STATUS_NOT_FOUND 404
#define STATUS_GONE 410
#define STATUS_UNAVAILABLE 503

static void name(struct verdict *verdict, unsigned number, const char *reason)
{
    if (verdict->named_count == VERDICT_NAMED_MAX)
        return;
    verdict->named[verdict->named_count].number = number;
    snprintf(verdict->named[verdict->named_count++].reason, VERDICT_REASON_MAX, "%s", reason);
}

void verdict_add_failure(struct verdict *verdict, unsigned number, const char *reason)
{
    verdict->missing++;
    name(verdict, number, reason);
}

void verdict_add_status(struct verdict *verdict, unsigned number, long status)
{
    char reason[VERDICT_REASON_MAX];

    if (status == STATUS_NOT_FOUND || status == STATUS_GONE) {
        verdict->unknown++;
        return;
    }
    snprintf(reason, sizeof(reason), "HTTP status %ld", status);
    bool is_refusal = status >= 400 && status < 500;
    if (!is_refusal || (verdict->refused > 0 && verdict->status != status)) {
        verdict_add_failure(verdict, number, reason);
        return;
    }
    verdict->refused++;
    verdict->status = status;
    name(verdict, number, reason);
}

int verdict_status(const struct verdict *verdict)
{
    if (verdict->missing > 0 || (verdict->refused > 0 && verdict->unknown > 0))
        return STATUS_UNAVAILABLE;
    return verdict->refused > 0 ? (int)verdict->status : STATUS_NOT_FOUND;
}

static cJSON *list_missing(const struct verdict *verdict)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < verdict->named_count; i++) {
        cJSON *item = cJSON_CreateObject();
        char text[sizeof(INSTANCE_PREFIX "4294967295")];
        snprintf(text, sizeof(text), INSTANCE_PREFIX "%u", verdict->named[i].number);
        cJSON_AddStringToObject(item, "name", text);
        cJSON_AddStringToObject(item, "error", verdict->named[i].reason);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

char *verdict_missing(const struct verdict *verdict)
{
    return json_text(list_missing(verdict));
}

char *verdict_body(const struct verdict *verdict)
{
    cJSON *body = cJSON_CreateObject();
    int status = verdict_status(verdict);

    if (status == STATUS_NOT_FOUND) {
        cJSON_AddStringToObject(body, "detail", "Not Found: no instance knows it");
    } else if (status == STATUS_UNAVAILABLE) {
        cJSON_AddStringToObject(body, "detail",
                                "Not found so far: not every instance could be asked");
        cJSON_AddItemToObject(body, "instances_missing", list_missing(verdict));
    } else {
        char *text = xasprintf("All instances refuse it with status %d", status);
        cJSON_AddStringToObject(body, "detail", text);
        free(text);
    }
    return json_text(body);
}
