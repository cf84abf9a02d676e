#include "http/fleet.h"

#include <math.h>

#include "capacity.h"
#include "json_text.h"
#include "version.h"

/* "12.3": people don't want more digits of it. */
static double in_tenths(double number)
{
    return round(number * 10) / 10;
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        cJSON_AddNullToObject(object, name);
    else
        cJSON_AddStringToObject(object, name, text);
}

static void add_haproxy(cJSON *root, const struct report_view *view)
{
    const struct presence *presence = checks_presence(view->checks);
    cJSON *haproxy = cJSON_AddObjectToObject(root, "haproxy");

    cJSON_AddBoolToObject(haproxy, "is_present", presence->is_present);
    report_add_time(haproxy, "since", &presence->since);
    cJSON_AddStringToObject(haproxy, "socket", view->config->haproxy_socket);
    add_text(haproxy, "problem", presence->problem);
}

static double jobs_per_minute(const struct farm *farm, int64_t now_ms)
{
    double jobs = 0;

    for (size_t i = 0; i < farm->count; i++)
        jobs += tally_per_minute(&farm->instances[i].tally, now_ms);
    return jobs;
}

static void add_source(cJSON *object, const struct instance_config *config)
{
    const struct request *request = config->load.url != NULL ? &config->load : &config->health;

    add_text(object, "report_url", request->url);
    add_text(object, "report_field", config->locator);
    add_text(object, "capacity_field", config->capacity_locator);
}

static cJSON *instance_of(const struct instance *instance, const struct instance_config *config,
                          int64_t now_ms)
{
    cJSON *object = report_instance(instance);

    cJSON_AddNumberToObject(object, "number", instance->number);
    cJSON_AddBoolToObject(object, "is_in_maintenance", instance->maintained);
    add_source(object, config);
    if (instance->passed == 0)
        cJSON_AddNullToObject(object, "report_age_seconds");
    else
        cJSON_AddNumberToObject(object, "report_age_seconds",
                                in_tenths((double)(now_ms - instance->passed_ms) / 1000));
    cJSON_AddNumberToObject(object, "jobs_per_minute",
                            in_tenths(tally_per_minute(&instance->tally, now_ms)));
    cJSON_AddNumberToObject(object, "failed_jobs", (double)instance->tally.failed_jobs);
    return object;
}

static void add_instances(cJSON *root, const struct report_view *view, int64_t now_ms)
{
    cJSON *instances = cJSON_AddArrayToObject(root, "instances");

    for (size_t i = 0; i < view->farm->count; i++)
        cJSON_AddItemToArray(
            instances, instance_of(&view->farm->instances[i], &view->config->instances[i], now_ms));
}

static void add_failures(cJSON *root, const struct failures *failures)
{
    static const char *const kinds[] = {[FAILURE_OF_JOB] = "job", [FAILURE_OF_CHECK] = "check"};
    cJSON *array = cJSON_AddArrayToObject(root, "failures");
    const struct failure *failure;

    for (size_t i = 0; (failure = failures_get(failures, i)) != NULL; i++) {
        cJSON *object = cJSON_CreateObject();
        report_add_time(object, "time", &failure->at);
        cJSON_AddNumberToObject(object, "instance", failure->number);
        cJSON_AddStringToObject(object, "kind", kinds[failure->kind]);
        cJSON_AddStringToObject(object, "message", failure->message);
        cJSON_AddItemToArray(array, object);
    }
}

char *fleet_report(const struct report_view *view)
{
    const struct farm *farm = view->farm;
    struct moment now = clock_now();
    cJSON *root = cJSON_CreateObject();

    cJSON_AddStringToObject(root, "version", LEASTJOBS_VERSION);
    report_add_time(root, "time", &now.wall);
    add_haproxy(root, view);
    cJSON_AddNumberToObject(root, "total_instances", (double)farm->count);
    cJSON_AddNumberToObject(root, "healthy_instances", (double)farm_count_healthy(farm));
    cJSON_AddNumberToObject(root, "total_active_jobs", report_count_jobs(farm));
    cJSON_AddNumberToObject(root, "jobs_per_minute",
                            in_tenths(jobs_per_minute(farm, now.monotonic_ms)));
    cJSON_AddBoolToObject(root, "compares_capacities", capacity_is_compared(view->config));
    add_instances(root, view, now.monotonic_ms);
    add_failures(root, &farm->failures);
    return json_text(root);
}
