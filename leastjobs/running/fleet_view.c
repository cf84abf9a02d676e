#include "running/fleet_view.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "running/fetch.h"
#include "xalloc.h"

/* What an instance's URL, or a message, may draw on a terminal: nothing. */
static const char *read_text(const cJSON *object, const char *name)
{
    char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    if (text != NULL)
        log_replace_control_characters(text);
    return text;
}

static double read_number(const cJSON *object, const char *name, double missing)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

static bool read_truth(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static struct fleet_instance read_instance(const cJSON *object)
{
    double number = read_number(object, "number", 0);
    const char *url = read_text(object, "url");

    return (struct fleet_instance){
        .number = number >= 1 && number <= INSTANCE_NUMBER_MAX ? (unsigned)number : 0,
        .url = url == NULL ? "" : url,
        .report_url = read_text(object, "report_url"),
        .report_field = read_text(object, "report_field"),
        .capacity_field = read_text(object, "capacity_field"),
        .error = read_text(object, "error_message"),
        .is_healthy = read_truth(object, "is_healthy"),
        .is_drained = read_truth(object, "is_drained"),
        .is_in_maintenance = read_truth(object, "is_in_maintenance"),
        .is_leaving = read_truth(object, "is_leaving"),
        .is_busy = read_truth(object, "is_busy"),
        .capacity = read_number(object, "capacity", 1),
        .active_jobs = read_number(object, "active_jobs", 0),
        .in_flight = read_number(object, "in_flight", 0),
        .external_jobs = read_number(object, "expected_external_jobs", 0),
        .accepted_jobs = read_number(object, "accepted_jobs", 0),
        .penalty = read_number(object, "penalty", 0),
        .load = read_number(object, "load", 0),
        .report_age_s = read_number(object, "report_age_seconds", -1),
        .jobs_per_minute = read_number(object, "jobs_per_minute", 0),
    };
}

static void read_instances(struct fleet_view *view, const cJSON *array)
{
    const cJSON *object;

    view->instances = xcalloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*view->instances));
    cJSON_ArrayForEach(object, array)
    {
        struct fleet_instance instance = read_instance(object);
        if (instance.number > 0)
            view->instances[view->count++] = instance;
    }
}

bool fleet_view_parse(struct fleet_view *view, char *text, size_t length)
{
    cJSON *root = cJSON_ParseWithLength(text, length);
    const cJSON *haproxy = cJSON_GetObjectItemCaseSensitive(root, "haproxy");
    const cJSON *instances = cJSON_GetObjectItemCaseSensitive(root, "instances");

    *view = (struct fleet_view){.text = text, .root = root};
    if (!cJSON_IsObject(haproxy) || !cJSON_IsArray(instances))
        return false;
    view->has_haproxy = read_truth(haproxy, "is_present");
    view->haproxy_problem = read_text(haproxy, "problem");
    view->socket = read_text(haproxy, "socket");
    view->total_active_jobs = read_number(root, "total_active_jobs", 0);
    view->jobs_per_minute = read_number(root, "jobs_per_minute", 0);
    view->compares_capacities = read_truth(root, "compares_capacities");
    read_instances(view, instances);
    return true;
}

bool fleet_view_get(struct fleet_view *view, const struct where *where,
                    char problem[FLEET_PROBLEM_MAX])
{
    char *url = xasprintf("%s/fleet", where->agent);
    char why[FETCH_PROBLEM_MAX];
    size_t length = 0;
    char *text = fetch_get(url, &length, why);

    *view = (struct fleet_view){0};
    if (text == NULL)
        snprintf(problem, FLEET_PROBLEM_MAX, "the agent doesn't answer on %s (STATUS_PORT): %s",
                 where->agent, why);
    free(url);
    if (text == NULL)
        return false;
    if (fleet_view_parse(view, text, length))
        return true;
    snprintf(problem, FLEET_PROBLEM_MAX,
             "what answers on %s (STATUS_PORT) isn't an agent of this version", where->agent);
    fleet_view_free(view);
    return false;
}

void fleet_view_free(struct fleet_view *view)
{
    free(view->instances);
    cJSON_Delete(view->root);
    free(view->text);
    *view = (struct fleet_view){0};
}

static int compare_number(const void *key, const void *element)
{
    unsigned number = *(const unsigned *)key;
    unsigned other = ((const struct fleet_instance *)element)->number;

    return (number > other) - (number < other);
}

const struct fleet_instance *fleet_view_find(const struct fleet_view *view, unsigned number)
{
    return bsearch(&number, view->instances, view->count, sizeof(*view->instances), compare_number);
}

bool fleet_takes_jobs(const struct fleet_instance *instance)
{
    return instance->is_healthy && !instance->is_drained && !instance->is_in_maintenance;
}

size_t fleet_count_healthy(const struct fleet_view *view)
{
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++)
        count += view->instances[i].is_healthy;
    return count;
}

size_t fleet_count_takers(const struct fleet_view *view)
{
    size_t count = 0;

    for (size_t i = 0; i < view->count; i++)
        count += fleet_takes_jobs(&view->instances[i]);
    return count;
}
