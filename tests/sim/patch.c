#include "patch.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odd.h"
#include "slice.h"

static bool take_integer(const cJSON *value, int64_t min, int64_t max, int64_t *number)
{
    if (!cJSON_IsNumber(value) || value->valuedouble < (double)min ||
        value->valuedouble > (double)max) {
        return false;
    }
    *number = (int64_t)value->valuedouble;
    return (double)*number == value->valuedouble;
}

static bool take_external_jobs(const cJSON *value, struct patch *patch)
{
    patch->has_external_jobs = true;
    return take_integer(value, 0, PATCH_JOBS_MAX, &patch->settings.external_jobs);
}

static bool take_slots(const cJSON *value, struct patch *patch)
{
    int64_t slots = 0;
    patch->has_slots = true;
    bool good = take_integer(value, 1, PATCH_SLOTS_MAX, &slots);
    patch->settings.slots = (unsigned)slots;
    return good;
}

static bool take_job_time(const cJSON *value, struct patch *patch)
{
    patch->has_job_time = true;
    patch->settings.job_time_ms = INSTANCE_TIME_BY_AUDIO;
    return cJSON_IsNull(value) ||
           take_integer(value, -1, PATCH_TIME_MS_MAX, &patch->settings.job_time_ms);
}

static bool take_factor(const cJSON *value, struct patch *patch)
{
    patch->has_factor = true;
    patch->settings.factor = cJSON_IsNumber(value) ? value->valuedouble : -1;
    return patch->settings.factor >= 0 && patch->settings.factor <= PATCH_FACTOR_MAX;
}

static bool take_speed(const cJSON *value, struct patch *patch)
{
    patch->has_speed = true;
    patch->settings.speed = cJSON_IsNumber(value) ? value->valuedouble : 0;
    return patch->settings.speed > 0 && patch->settings.speed <= PATCH_SPEED_MAX;
}

static bool take_form(const cJSON *value, struct patch *patch)
{
    const char *name = cJSON_IsString(value) ? value->valuestring : "";
    bool flat = strcmp(name, "flat") == 0;
    patch->has_form = true;
    patch->settings.form = flat ? INSTANCE_FLAT : INSTANCE_NESTED;
    return flat || strcmp(name, "nested") == 0;
}

static bool take_listening(const cJSON *value, struct patch *patch)
{
    patch->has_listening = true;
    patch->listening = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool take_drop(const cJSON *value, struct patch *patch)
{
    patch->drop = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

/* A status may also come as a number. */
static bool take_health(const cJSON *value, struct patch *patch)
{
    char name[HEALTH_NAME_MAX] = "";
    int64_t status = 0;
    patch->has_health = true;
    if (cJSON_IsString(value)) {
        return health_parse(value->valuestring, &patch->settings.health);
    }
    if (!take_integer(value, 100, 599, &status)) {
        return false;
    }
    snprintf(name, sizeof name, "%d", (int)status);
    return health_parse(name, &patch->settings.health);
}

static bool take_release(const cJSON *value, struct patch *patch)
{
    patch->has_release = true;
    return take_integer(value, -1, PATCH_JOBS_MAX, &patch->release);
}

static bool take_response(const cJSON *value, struct patch *patch)
{
    patch->has_response = true;
    patch->settings.response = (struct odd){0};
    return cJSON_IsNull(value) ||
           (cJSON_IsString(value) &&
            odd_parse((struct slice){value->valuestring, strlen(value->valuestring)},
                      &patch->settings.response));
}

static bool take_deaf(const cJSON *value, struct patch *patch)
{
    patch->has_deaf = true;
    patch->settings.deaf = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool take_pieces(const cJSON *value, struct patch *patch)
{
    patch->has_pieces = true;
    return take_integer(value, -1, PATCH_JOBS_MAX, &patch->pieces);
}

static const struct {
    const char *key;
    bool (*take)(const cJSON *value, struct patch *patch);
    const char *wants;
} keys[] = {
    {"external_jobs", take_external_jobs, "a whole number from 0"},
    {"slots", take_slots, "a whole number from 1"},
    {"job_time_ms", take_job_time, "milliseconds, -1 (held) or null (by the audio)"},
    {"factor", take_factor, "a number from 0"},
    {"speed", take_speed, "a number above 0"},
    {"form", take_form, "nested or flat"},
    {"listening", take_listening, "true or false"},
    {"drop", take_drop, "true or false"},
    {"health", take_health, "a mode of the health answer"},
    {"release", take_release, "a number of jobs, or -1 (all)"},
    {"response", take_response, "the name of an odd response, or null"},
    {"deaf", take_deaf, "true or false"},
    {"pieces", take_pieces, "a number of pieces, or -1 (all)"},
};

static bool take_key(const cJSON *value, struct patch *patch, char error[PATCH_ERROR_MAX])
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(value->string, keys[i].key) == 0) {
            if (keys[i].take(value, patch)) {
                return true;
            }
            snprintf(error, PATCH_ERROR_MAX, "bad value of %s: it takes %s", keys[i].key,
                     keys[i].wants);
            return false;
        }
    }
    snprintf(error, PATCH_ERROR_MAX, "unknown key");
    return false;
}

static bool take_object(const cJSON *object, struct patch *patch, char error[PATCH_ERROR_MAX])
{
    const cJSON *value;
    if (!cJSON_IsObject(object)) {
        snprintf(error, PATCH_ERROR_MAX, "not a JSON object");
        return false;
    }
    cJSON_ArrayForEach(value, object)
    {
        if (!take_key(value, patch, error)) {
            return false;
        }
    }
    if (patch->drop && (!patch->has_listening || patch->listening)) {
        snprintf(error, PATCH_ERROR_MAX, "drop goes with listening:false only");
        return false;
    }
    return true;
}

bool patch_parse(const char *json, size_t len, struct patch *patch, char error[PATCH_ERROR_MAX])
{
    memset(patch, 0, sizeof *patch);
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithLengthOpts(json, len, &end, 0);
    bool whole = object != NULL;
    for (; whole && end < json + len; end++) {
        whole = strchr(" \t\r\n", *end) != NULL && *end != '\0';
    }
    bool good = whole && take_object(object, patch, error);
    if (!whole) {
        snprintf(error, PATCH_ERROR_MAX, "not JSON");
    }
    cJSON_Delete(object);
    return good;
}

bool patch_apply(const struct patch *patch, struct instance *instance)
{
    struct instance_settings *settings = &instance->settings;
    if (patch->has_external_jobs) {
        settings->external_jobs = patch->settings.external_jobs;
    }
    if (patch->has_job_time) {
        settings->job_time_ms = patch->settings.job_time_ms;
    }
    if (patch->has_factor) {
        settings->factor = patch->settings.factor;
    }
    if (patch->has_speed) {
        settings->speed = patch->settings.speed;
    }
    if (patch->has_form) {
        settings->form = patch->settings.form;
    }
    if (patch->has_health) {
        settings->health = patch->settings.health;
    }
    if (patch->has_response) {
        settings->response = patch->settings.response;
    }
    if (patch->has_deaf) {
        settings->deaf = patch->settings.deaf;
    }
    if (patch->has_slots) {
        settings->slots = instance->jobs.slots = patch->settings.slots;
        job_queue_run(&instance->jobs);
    }
    if (patch->has_release) {
        job_release(&instance->jobs, patch->release);
    }
    if (patch->has_pieces) {
        instance_release_pieces(instance, patch->pieces);
    }
    if (patch->has_listening && !patch->listening) {
        instance_stop(instance, patch->drop);
    }
    return !patch->has_listening || !patch->listening || instance_start(instance);
}
