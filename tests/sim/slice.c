#include "slice.h"

#include <event2/buffer.h>
#include <string.h>
#include <strings.h>

struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

struct slice slice_take(struct slice *slice, size_t len)
{
    struct slice taken = {slice->at, len};
    slice->at += len;
    slice->len -= len;
    return taken;
}

bool slice_take_until(struct slice *slice, char c, struct slice *before)
{
    const char *found = slice->len > 0 ? memchr(slice->at, c, slice->len) : NULL;
    if (found == NULL) {
        return false;
    }
    *before = slice_take(slice, (size_t)(found - slice->at));
    slice_take(slice, 1);
    return true;
}

bool slice_take_prefix(struct slice *slice, const char *text)
{
    size_t len = strlen(text);
    if (slice->len < len || memcmp(slice->at, text, len) != 0) {
        return false;
    }
    slice_take(slice, len);
    return true;
}

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

static bool is_one_of(struct slice slice, const char *const *texts)
{
    while (*texts != NULL && !slice_is_nocase(slice, *texts)) {
        texts++;
    }
    return *texts != NULL;
}

bool slice_is_true(struct slice slice)
{
    static const char *const texts[] = {"true", "1", "on", "yes", "t", "y", NULL};
    return is_one_of(slice, texts);
}

bool slice_is_false(struct slice slice)
{
    static const char *const texts[] = {"false", "0", "off", "no", "f", "n", NULL};
    return is_one_of(slice, texts);
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = memchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c, sizeof digits - 1);
    return at == NULL ? -1 : (int)(at - digits);
}

bool slice_decode(struct slice slice, bool plus, char *bytes, size_t size, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < slice.len; i++) {
        char c = slice.at[i];
        if (*len == size) {
            return false;
        }
        if (c == '%' && slice.len - i > 2 && hex_digit(slice.at[i + 1]) >= 0 &&
            hex_digit(slice.at[i + 2]) >= 0) {
            c = (char)(hex_digit(slice.at[i + 1]) * 16 + hex_digit(slice.at[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        bytes[(*len)++] = c;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice slice)
{
    while (slice.len > 0 && is_blank(slice.at[0])) {
        slice_take(&slice, 1);
    }
    while (slice.len > 0 && is_blank(slice.at[slice.len - 1])) {
        slice.len--;
    }
    return slice;
}

void slice_add_json_part(struct evbuffer *out, struct slice text)
{
    while (text.len > 0) {
        size_t plain = 0;
        while (plain < text.len && (unsigned char)text.at[plain] >= 0x20 &&
               text.at[plain] != 0x7f && text.at[plain] != '"' && text.at[plain] != '\\') {
            plain++;
        }
        evbuffer_add(out, text.at, plain);
        slice_take(&text, plain);
        if (text.len > 0) {
            evbuffer_add_printf(out, "\\u%04x", (unsigned char)slice_take(&text, 1).at[0]);
        }
    }
}

void slice_add_json(struct evbuffer *out, struct slice text)
{
    evbuffer_add(out, "\"", 1);
    slice_add_json_part(out, text);
    evbuffer_add(out, "\"", 1);
}
