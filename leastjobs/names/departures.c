#include "names/departures.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "names/numbers.h"
#include "xalloc.h"

#define CHECK_TIME_MAX 40

/* One that the agent was first seen to know of as leaving, and its last report then. */
struct departure {
    unsigned number;
    char *url;
    char last_check[CHECK_TIME_MAX];
    bool had_jobs;
    int64_t busy_ms; /* when it was last seen with some */
    bool is_due;
};

struct departures {
    struct departure *items;
    size_t count;
    bool any_due;
    int64_t due_ms; /* since when */
};

struct departures *departures_new(void)
{
    return xcalloc(1, sizeof(struct departures));
}

static void clear(struct departures *departures)
{
    for (size_t i = 0; i < departures->count; i++)
        free(departures->items[i].url);
    free(departures->items);
    departures->items = NULL;
    departures->count = 0;
}

void departures_free(struct departures *departures)
{
    if (departures == NULL)
        return;
    clear(departures);
    free(departures);
}

bool departures_has_any(const struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].left_s != 0)
            return true;
    }
    return false;
}

static bool is_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text == NULL ? "" : text;
}

static bool is_zero(const cJSON *object, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(number) && number->valuedouble == 0;
}

static const cJSON *find_instance(const cJSON *root, const struct found *found)
{
    const cJSON *instance;
    char name[32];

    snprintf(name, sizeof(name), INSTANCE_PREFIX "%u", found->number);
    cJSON_ArrayForEach(instance, cJSON_GetObjectItemCaseSensitive(root, "instances"))
    {
        if (strcmp(text_of(instance, "name"), name) == 0 &&
            strcmp(text_of(instance, "url"), found->url) == 0)
            return is_true(instance, "is_leaving") ? instance : NULL;
    }
    return NULL;
}

static const struct departure *find_before(const struct departures *departures,
                                           const struct found *found)
{
    for (size_t i = 0; i < departures->count; i++) {
        const struct departure *departure = &departures->items[i];
        if (departure->number == found->number && strcmp(departure->url, found->url) == 0)
            return departure;
    }
    return NULL;
}

static bool is_idle(const cJSON *instance)
{
    return is_zero(instance, "in_flight") && is_zero(instance, "active_jobs") &&
           is_zero(instance, "accepted_jobs");
}

/* What this answer says of one; `before` is what the one before said, or NULL. */
static struct departure look_at(const cJSON *instance, const struct found *found,
                                const struct departure *before, int64_t now_ms)
{
    struct departure departure = {.number = found->number, .url = xstrdup(found->url)};
    bool is_busy = !is_idle(instance);
    const char *last_check = text_of(instance, "last_check");

    snprintf(departure.last_check, sizeof(departure.last_check), "%s",
             before == NULL ? last_check : before->last_check);
    bool is_reported = before != NULL && strcmp(last_check, before->last_check) != 0;
    departure.had_jobs = is_busy || (before != NULL && before->had_jobs);
    departure.busy_ms = is_busy || before == NULL ? now_ms : before->busy_ms;
    bool is_held = departure.had_jobs && now_ms - departure.busy_ms < DEPARTURES_HOLD_MS;
    departure.is_due = !is_true(instance, "is_healthy") || (is_reported && !is_busy && !is_held);
    return departure;
}

/* Of those that are leaving now; of others nothing is kept. Returns how many are due. */
static size_t look(struct departures *departures, const struct found_list *list, const cJSON *root,
                   int64_t now_ms)
{
    struct departures now = {0};
    size_t due = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->items[i];
        const cJSON *instance = found->left_s == 0 ? NULL : find_instance(root, found);
        if (instance == NULL)
            continue;
        now.items = xreallocarray(now.items, now.count + 1, sizeof(*now.items));
        now.items[now.count] = look_at(instance, found, find_before(departures, found), now_ms);
        due += now.items[now.count++].is_due;
    }
    clear(departures);
    departures->items = now.items;
    departures->count = now.count;
    return due;
}

static size_t count_leaving(const struct found_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += list->items[i].left_s != 0;
    return count;
}

size_t departures_take(struct departures *departures, struct found_list *list, const char *body,
                       size_t length, int64_t now_ms)
{
    cJSON *root = cJSON_ParseWithLength(body, length);

    if (root == NULL || cJSON_GetObjectItemCaseSensitive(root, "instances") == NULL) {
        cJSON_Delete(root);
        return 0;
    }
    size_t due = look(departures, list, root, now_ms);
    cJSON_Delete(root);
    if (due > 0 && !departures->any_due)
        departures->due_ms = now_ms;
    departures->any_due = due > 0;
    if (due == 0 ||
        (due < count_leaving(list) && now_ms - departures->due_ms < DEPARTURES_GATHER_MS))
        return 0;
    for (size_t i = 0; i < departures->count; i++) {
        if (departures->items[i].is_due)
            numbers_take_out(list, departures->items[i].number);
    }
    departures->any_due = false;
    return due;
}
