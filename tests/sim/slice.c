#include "slice.h"

#include <string.h>
#include <strings.h>

bool slice_is(struct slice slice, const char *text)
{
    return slice.at != NULL && slice.len == strlen(text) && memcmp(slice.at, text, slice.len) == 0;
}

bool slice_is_nocase(struct slice slice, const char *text)
{
    return slice.at != NULL && slice.len == strlen(text) &&
           strncasecmp(slice.at, text, slice.len) == 0;
}

bool slice_ends_with(struct slice slice, const char *text)
{
    size_t len = strlen(text);
    return slice.len >= len && memcmp(slice.at + slice.len - len, text, len) == 0;
}

bool slice_starts_with(struct slice slice, const char *text)
{
    size_t len = strlen(text);
    return slice.len >= len && memcmp(slice.at, text, len) == 0;
}

bool slice_to_number(struct slice slice, uint64_t *number)
{
    if (slice.len == 0 || slice.len > SLICE_DIGITS_MAX) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < slice.len; i++) {
        if (slice.at[i] < '0' || slice.at[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(slice.at[i] - '0');
    }
    *number = value;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice slice)
{
    while (slice.len > 0 && is_blank(slice.at[0])) {
        slice.at++;
        slice.len--;
    }
    while (slice.len > 0 && is_blank(slice.at[slice.len - 1])) {
        slice.len--;
    }
    return slice;
}
