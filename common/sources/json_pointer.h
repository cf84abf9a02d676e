#ifndef LEASTJOBS_JSON_POINTER_H
#define LEASTJOBS_JSON_POINTER_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* A name of a member of so many bytes or more leads nowhere. */
#define JSON_POINTER_TOKEN_MAX 256

/*
 * What a JSON Pointer (RFC 6901) of `length` bytes leads to in `root`, which goes on owning it;
 * NULL if it leads nowhere. Names are compared byte by byte. (cJSON_Utils has this too, but
 * Debian doesn't package it.)
 */
const cJSON *json_pointer_find(const cJSON *root, const char *pointer, size_t length);

#endif
