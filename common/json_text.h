#ifndef LEASTJOBS_JSON_TEXT_H
#define LEASTJOBS_JSON_TEXT_H

#include <cjson/cJSON.h>

/* The text of a value, on one line, for the caller to free(). Takes the value. */
char *json_text(cJSON *value);

#endif
