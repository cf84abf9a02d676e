#ifndef LEASTJOBS_SOURCE_JSON_H
#define LEASTJOBS_SOURCE_JSON_H

#include "sources/source.h"

/*
 * JSON (RFC 8259). The locator has JSON Pointers (RFC 6901):
 *
 *   locator = sum *( "," sum )              the first of which all pointers lead somewhere counts
 *   sum     = pointer *( "+" pointer )      each begins with "/"; blanks may stand around the "+"
 *
 * A pointer leads to a number. Its step "*" is each element of an array or member of an object:
 * what the rest of the pointer leads to from there is added up, a number as it is, true as 1,
 * false as 0. Nothing in the array or object is 0. A number that is negative or not finite is no
 * count.
 *
 * Whatever a sum leads to as one pointer, as it is written, is the count: a name may have "+" in
 * it, and a member be called "*".
 */
extern const struct source source_json;

/* The same for servers that always have some: "*" of an empty array or object leads nowhere. */
extern const struct source source_json_rows;

#define SOURCE_JSON_POINTERS_MAX 16

#endif
