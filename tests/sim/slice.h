/* A run of bytes inside a larger buffer, which somebody else owns. */
#ifndef SIM_SLICE_H
#define SIM_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLICE_DIGITS_MAX = 18 }; /* of a number: fits 64 bits */

struct slice {
    const char *at; /* NULL: absent */
    size_t len;
};

bool slice_is(struct slice slice, const char *text);        /* equal, exactly */
bool slice_is_nocase(struct slice slice, const char *text); /* equal, ASCII letters of any case */
bool slice_ends_with(struct slice slice, const char *text);
bool slice_starts_with(struct slice slice, const char *text);

/* Digits only (at most SLICE_DIGITS_MAX), no sign, no space. */
bool slice_to_number(struct slice slice, uint64_t *number);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice slice);

#endif
