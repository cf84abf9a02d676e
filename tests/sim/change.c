#include "change.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "instance.h"

enum { JOBS_MAX = 1000000000, FACTOR_MAX = 1000000, SPEED_MAX = 1000000 };

/* Read and checked whole, then applied, so that a bad one changes nothing. */
struct change {
    struct instance_settings settings; /* of the instance, as they will be */
    bool has_listening, listening, drop, restart;
    int64_t release, pieces;
};

static bool take_integer(const cJSON *value, int64_t min, int64_t max, int64_t *number)
{
    if (!cJSON_IsNumber(value) || value->valuedouble < (double)min ||
        value->valuedouble > (double)max) {
        return false;
    }
    *number = (int64_t)value->valuedouble;
    return (double)*number == value->valuedouble;
}

static bool take_bool(const cJSON *value, bool *wanted)
{
    *wanted = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool take_external_jobs(const cJSON *value, struct change *change)
{
    return take_integer(value, 0, JOBS_MAX, &change->settings.external_jobs);
}

static bool take_slots(const cJSON *value, struct change *change)
{
    int64_t slots = 0;
    bool good = take_integer(value, 1, INSTANCE_SLOTS_MAX, &slots);
    change->settings.slots = (unsigned)slots;
    return good;
}

static bool take_job_time(const cJSON *value, struct change *change)
{
    change->settings.job_time_ms = INSTANCE_TIME_BY_AUDIO;
    return cJSON_IsNull(value) ||
           take_integer(value, -1, INSTANCE_TIME_MS_MAX, &change->settings.job_time_ms);
}

static bool take_factor(const cJSON *value, struct change *change)
{
    change->settings.factor = cJSON_IsNumber(value) ? value->valuedouble : -1;
    return change->settings.factor >= 0 && change->settings.factor <= FACTOR_MAX;
}

static bool take_speed(const cJSON *value, struct change *change)
{
    change->settings.speed = cJSON_IsNumber(value) ? value->valuedouble : 0;
    return change->settings.speed > 0 && change->settings.speed <= SPEED_MAX;
}

static bool take_form(const cJSON *value, struct change *change)
{
    return cJSON_IsString(value) && instance_parse_form(value->valuestring, &change->settings.form);
}

static bool take_listening(const cJSON *value, struct change *change)
{
    change->has_listening = true;
    return take_bool(value, &change->listening);
}

static bool take_drop(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->drop);
}

/* A status may also come as a number. */
static bool take_mode(const cJSON *value, struct health *health)
{
    char name[HEALTH_NAME_MAX] = "";
    int64_t status = 0;
    if (cJSON_IsString(value)) {
        return health_parse(value->valuestring, health);
    }
    if (!take_integer(value, 100, 599, &status)) {
        return false;
    }
    snprintf(name, sizeof name, "%d", (int)status);
    return health_parse(name, health);
}

static bool take_health(const cJSON *value, struct change *change)
{
    return take_mode(value, &change->settings.health);
}

static bool take_load(const cJSON *value, struct change *change)
{
    return take_mode(value, &change->settings.load);
}

static bool take_kind(const cJSON *value, struct change *change)
{
    return cJSON_IsString(value) && instance_set_kind(&change->settings, value->valuestring);
}

static bool take_threads(const cJSON *value, struct change *change)
{
    int64_t threads = 0;
    bool good = take_integer(value, 0, INSTANCE_SLOTS_MAX, &threads);
    change->settings.threads = (unsigned)threads;
    return good;
}

static bool take_release(const cJSON *value, struct change *change)
{
    return take_integer(value, -1, JOBS_MAX, &change->release);
}

static bool take_response(const cJSON *value, struct change *change)
{
    change->settings.response = (struct odd){0};
    return cJSON_IsNull(value) || (cJSON_IsString(value) && odd_parse(slice_of(value->valuestring),
                                                                      &change->settings.response));
}

static bool take_deaf(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->settings.deaf);
}

static bool take_cors(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->settings.cors);
}

static bool take_deletes(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->settings.deletes);
}

static bool take_storage(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->settings.storage);
}

static bool take_restart(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->restart);
}

static bool take_pieces(const cJSON *value, struct change *change)
{
    return take_integer(value, -1, JOBS_MAX, &change->pieces);
}

static const struct {
    const char *key;
    bool (*take)(const cJSON *value, struct change *change);
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
    {"kind", take_kind, "a kind of server"},
    {"threads", take_threads, "a whole number from 0 (any number)"},
    {"health", take_health, "a mode of the health answer"},
    {"load", take_load, "a mode of the health answer"},
    {"release", take_release, "a number of jobs, or -1 (all)"},
    {"response", take_response, "the name of an odd response, or null"},
    {"deaf", take_deaf, "true or false"},
    {"cors", take_cors, "true or false"},
    {"deletes", take_deletes, "true or false"},
    {"storage", take_storage, "true or false"},
    {"restart", take_restart, "true or false"},
    {"pieces", take_pieces, "a number of pieces, or -1 (all)"},
};

static bool take_key(const cJSON *value, struct change *change, char error[CHANGE_ERROR_MAX])
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(value->string, keys[i].key) == 0) {
            if (keys[i].take(value, change)) {
                return true;
            }
            snprintf(error, CHANGE_ERROR_MAX, "bad value of %s: it takes %s", keys[i].key,
                     keys[i].wants);
            return false;
        }
    }
    snprintf(error, CHANGE_ERROR_MAX, "unknown key");
    return false;
}

/* Reads a JSON object; change->settings are the instance's when it begins. False with a text in
 * error (fit for a JSON string). */
static bool read_change(const cJSON *object, struct change *change, char error[CHANGE_ERROR_MAX])
{
    const cJSON *value;
    if (!cJSON_IsObject(object)) {
        snprintf(error, CHANGE_ERROR_MAX, "not a JSON object");
        return false;
    }
    cJSON_ArrayForEach(value, object)
    {
        if (!take_key(value, change, error)) {
            return false;
        }
    }
    if (change->drop && (!change->has_listening || change->listening)) {
        snprintf(error, CHANGE_ERROR_MAX, "drop goes with listening:false only");
        return false;
    }
    return true;
}

/* False if the instance could not listen again (errno says why). */
static bool apply_change(const struct change *change, struct instance *instance)
{
    instance->settings = change->settings;
    instance->queue.slots = change->settings.slots;
    job_queue_run(&instance->queue);
    if (!instance_is_locked(instance)) {
        instance_unlock(instance);
    }
    if (!instance_need_metrics(instance)) {
        return false;
    }
    job_release(&instance->queue, change->release);
    if (change->pieces != 0) {
        instance_release_pieces(instance, change->pieces);
    }
    if (change->restart) {
        instance_restart(instance);
    }
    if (change->has_listening && !change->listening) {
        instance_stop(instance, change->drop);
    }
    return !change->has_listening || !change->listening || instance_start(instance);
}

int change_instances(const cJSON *object, struct instance *instances, size_t count,
                     char error[CHANGE_ERROR_MAX])
{
    int status = CHANGE_OK;
    for (size_t i = 0; i < count; i++) {
        /* Whether it is good doesn't depend on the instance: the first one says so for all. */
        struct change change = {.settings = instances[i].settings};
        if (!read_change(object, &change, error)) {
            return CHANGE_BAD;
        }
        if (!apply_change(&change, &instances[i])) {
            snprintf(error, CHANGE_ERROR_MAX, "%s", strerror(errno));
            status = CHANGE_FAILED;
        }
    }
    return status;
}
