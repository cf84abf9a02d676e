#ifndef LEASTJOBS_SOURCE_JSON_H
#define LEASTJOBS_SOURCE_JSON_H

#include "sources/source.h"

/*
 * JSON (RFC 8259). The locator is a list of JSON Pointers (RFC 6901) separated by commas: the
 * first that leads to something has the count.
 */
extern const struct source source_json;

#define SOURCE_JSON_POINTERS_MAX 16

#endif
