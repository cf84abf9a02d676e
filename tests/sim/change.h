/* Changes of an instance's behaviour, as the control endpoint takes them. */
#ifndef SIM_CHANGE_H
#define SIM_CHANGE_H

#include <cjson/cJSON.h>
#include <stddef.h>

enum { CHANGE_ERROR_MAX = 200 };

/* The status of the answer. */
enum { CHANGE_OK = 200, CHANGE_BAD = 400, CHANGE_FAILED = 500 };

struct instance;

/* Changes `count` instances, or none of them. Returns CHANGE_OK, or another one with a text in
 * error (fit for a JSON string). */
int change_instances(const cJSON *object, struct instance *instances, size_t count,
                     char error[CHANGE_ERROR_MAX]);

#endif
