#ifndef LEASTJOBS_NEAREST_H
#define LEASTJOBS_NEAREST_H

#include <stddef.h>

/* Longer names are near to nothing. */
#define NEAREST_NAME_MAX 64

/*
 * How many characters must be added, left out, replaced or exchanged with their neighbour to make
 * `b` of `a` (Damerau's distance, no character touched twice). At most NEAREST_NAME_MAX, which it
 * is too if one of them is longer than that.
 */
unsigned nearest_distance(const char *a, const char *b);

/* The one of `count` (1 or more) names that is nearest to `name`, the first of several. */
const char *nearest_of(const char *name, const char *const *names, size_t count);

#endif
