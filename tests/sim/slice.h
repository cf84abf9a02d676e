/* Runs of bytes. */
#ifndef SIM_SLICE_H
#define SIM_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLICE_DIGITS_MAX = 18 /* of a number: fits 64 bits */ };

/* A run of bytes inside a larger buffer, which somebody else owns. */
struct slice {
    const char *at; /* NULL: absent */
    size_t len;
};

/* The whole text without its end. */
struct slice slice_of(const char *text);

/* The first len bytes of *slice, which goes on behind them. */
struct slice slice_take(struct slice *slice, size_t len);

/* The bytes of *slice before the next c; *slice goes on behind it. False: there is none. */
bool slice_take_until(struct slice *slice, char c, struct slice *before);

/* Takes the text from the beginning of *slice, if it begins so. */
bool slice_take_prefix(struct slice *slice, const char *text);

bool slice_is(struct slice slice, const char *text);        /* equal, exactly */
bool slice_is_nocase(struct slice slice, const char *text); /* equal, ASCII letters of any case */
bool slice_ends_with(struct slice slice, const char *text);

/* Digits only (at most SLICE_DIGITS_MAX), no sign, no space. */
bool slice_to_number(struct slice slice, uint64_t *number);

/* As pydantic reads a truth value: "true", "1", "on", … (false for everything else). */
bool slice_is_true(struct slice slice);
bool slice_is_false(struct slice slice); /* "false", "0", "off", … */

/* Decodes percent-encoded bytes (RFC 3986, 2.1; with `plus`, a plus sign is a blank) into `size`
 * bytes. What is no encoding stays as it is. False: there is not enough room. */
bool slice_decode(struct slice slice, bool plus, char *bytes, size_t size, size_t *len);

/* Without spaces and tabs at both ends. */
struct slice slice_trim(struct slice slice);

struct evbuffer;

/* Writes a JSON string. Bytes above 0x7f are taken for UTF-8 and stay. */
void slice_add_json(struct evbuffer *out, struct slice text);

/* The same without its quotation marks. */
void slice_add_json_part(struct evbuffer *out, struct slice text);

#endif
