/* A change of an instance's behaviour, as the control endpoint takes it: read and checked whole,
 * then applied, so that a bad one changes nothing. */
#ifndef SIM_PATCH_H
#define SIM_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance.h"

enum {
    PATCH_BYTES_MAX = 64 * 1024, /* of the JSON text */
    PATCH_ERROR_MAX = 200,
    PATCH_SLOTS_MAX = 1000000,
    PATCH_JOBS_MAX = 1000000000,
    PATCH_TIME_MS_MAX = 24 * 3600 * 1000,
    PATCH_FACTOR_MAX = 1000000,
    PATCH_SPEED_MAX = 1000000
};

struct patch {
    bool has_external_jobs, has_slots, has_job_time, has_factor, has_speed, has_form, has_listening,
        has_health, has_release, has_response, has_deaf, has_pieces;
    struct instance_settings settings; /* the values of those that are there */
    bool listening, drop;
    int64_t release, pieces;
};

/* Reads a JSON object. False with a text in error (fit for a JSON string). */
bool patch_parse(const char *json, size_t len, struct patch *patch, char error[PATCH_ERROR_MAX]);

/* Applies it to an instance. False if the instance could not listen again (errno says why). */
bool patch_apply(const struct patch *patch, struct instance *instance);

#endif
