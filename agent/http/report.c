#include "http/report.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "agent_checks/agent_check.h"
#include "json_text.h"
#include "names.h"
#include "version.h"

#define TIME_TEXT_MAX 40

char *report_root(const struct report_view *view)
{
    cJSON *root = cJSON_CreateObject();

    cJSON_AddStringToObject(root, "service", "WhisperX Load Balancer");
    cJSON_AddStringToObject(root, "version", LEASTJOBS_VERSION);
    cJSON_AddNumberToObject(root, "instances", (double)view->farm->count);
    cJSON *endpoints = cJSON_AddObjectToObject(root, "endpoints");
    cJSON_AddStringToObject(endpoints, "health", "/health");
    cJSON_AddStringToObject(endpoints, "transcription", "/v1/audio/transcriptions");
    return json_text(root);
}

/* RFC 3339, in UTC, with milliseconds. */
void report_add_time(cJSON *object, const char *name, const struct timespec *when)
{
    char text[TIME_TEXT_MAX];
    struct tm utc;

    if (when->tv_sec == 0) {
        cJSON_AddNullToObject(object, name);
        return;
    }
    gmtime_r(&when->tv_sec, &utc);
    size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%03ldZ", when->tv_nsec / 1000000);
    cJSON_AddStringToObject(object, name, text);
}

cJSON *report_instance(const struct instance *instance)
{
    cJSON *object = cJSON_CreateObject();
    char name[32];

    snprintf(name, sizeof(name), INSTANCE_PREFIX "%u", instance->number);
    cJSON_AddStringToObject(object, "name", name);
    cJSON_AddStringToObject(object, "url", instance->url);
    cJSON_AddBoolToObject(object, "is_healthy", instance->healthy);
    cJSON_AddBoolToObject(object, "is_drained", instance_is_drained(instance));
    cJSON_AddBoolToObject(object, "is_leaving", instance->leaving);
    cJSON_AddBoolToObject(object, "is_busy", instance->reason == CHECK_BUSY);
    cJSON_AddNumberToObject(object, "capacity", instance->capacity);
    cJSON_AddNumberToObject(object, "active_jobs", instance->active_jobs);
    cJSON_AddNumberToObject(object, "in_flight", instance->in_flight);
    cJSON_AddNumberToObject(object, "external_jobs", instance->external_jobs);
    cJSON_AddNumberToObject(object, "expected_external_jobs",
                            round(instance->forecast.expected * LOAD_UNIT) / LOAD_UNIT);
    cJSON_AddNumberToObject(object, "accepted_jobs", instance_accepted(instance));
    cJSON_AddNumberToObject(object, "penalty", instance_penalty(instance));
    cJSON_AddNumberToObject(object, "load", instance_load(instance));
    cJSON_AddNumberToObject(
        object, "weight", instance->healthy ? agent_check_weight(instance, WEIGHTING_EXTERNAL) : 0);
    report_add_time(object, "last_check", &instance->last_check);
    cJSON_AddNumberToObject(object, "consecutive_failures", instance->failures);
    if (instance->error[0] == '\0')
        cJSON_AddNullToObject(object, "error_message");
    else
        cJSON_AddStringToObject(object, "error_message", instance->error);
    return object;
}

double report_count_jobs(const struct farm *farm)
{
    double jobs = 0;

    for (size_t i = 0; i < farm->count; i++)
        jobs += farm->instances[i].active_jobs;
    return jobs;
}

char *report_health(const struct report_view *view)
{
    const struct farm *farm = view->farm;
    cJSON *root = cJSON_CreateObject();

    cJSON_AddNumberToObject(root, "total_instances", (double)farm->count);
    cJSON_AddNumberToObject(root, "healthy_instances", (double)farm_count_healthy(farm));
    cJSON_AddNumberToObject(root, "total_active_jobs", report_count_jobs(farm));
    cJSON *instances = cJSON_AddArrayToObject(root, "instances");
    for (size_t i = 0; i < farm->count; i++)
        cJSON_AddItemToArray(instances, report_instance(&farm->instances[i]));
    return json_text(root);
}
