#include "multipart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Takes the next `; name=value` from *rest; a value in quotes comes without them, with its
 * backslashes as they are (no name we look for has any). */
static bool next_parameter(struct slice *rest, struct slice *name, struct slice *value)
{
    const char *semicolon = rest->len > 0 ? memchr(rest->at, ';', rest->len) : NULL;
    if (semicolon == NULL) {
        return false;
    }
    const char *end = rest->at + rest->len;
    const char *at = semicolon + 1;
    const char *equals = memchr(at, '=', (size_t)(end - at));
    if (equals == NULL) {
        return false;
    }
    *name = slice_trim((struct slice){at, (size_t)(equals - at)});
    at = equals + 1;
    if (at < end && *at == '"') {
        const char *start = ++at;
        while (at < end && *at != '"') {
            at += *at == '\\' && end - at > 1 ? 2 : 1;
        }
        *value = (struct slice){start, (size_t)(at - start)};
    } else {
        const char *start = at;
        while (at < end && *at != ';') {
            at++;
        }
        *value = slice_trim((struct slice){start, (size_t)(at - start)});
    }
    *rest = (struct slice){at, (size_t)(end - at)};
    return true;
}

static struct slice find_parameter(struct slice field, const char *wanted)
{
    struct slice name, value;
    while (next_parameter(&field, &name, &value)) {
        if (slice_is_nocase(name, wanted)) {
            return value;
        }
    }
    return (struct slice){NULL, 0};
}

bool multipart_is(struct slice content_type)
{
    static const char type[] = "multipart/form-data";
    size_t len = sizeof type - 1;
    return content_type.len >= len && strncasecmp(content_type.at, type, len) == 0 &&
           (content_type.len == len || strchr("; \t", content_type.at[len]) != NULL);
}

struct multipart *multipart_new(struct slice content_type, struct wav *wav)
{
    static const char start[] = {'\r', '\n', '-', '-'};
    struct slice boundary = find_parameter(content_type, "boundary");
    if (boundary.len == 0 || boundary.len > MULTIPART_BOUNDARY_MAX) {
        return NULL;
    }
    struct multipart *multipart = calloc(1, sizeof *multipart);
    if (multipart == NULL) {
        return NULL;
    }
    memcpy(multipart->delimiter, start, sizeof start);
    memcpy(multipart->delimiter + sizeof start, boundary.at, boundary.len);
    multipart->delimiter_len = boundary.len + sizeof start;
    multipart->matched = 2; /* the first boundary may stand at the very beginning */
    multipart->wav = wav;
    return multipart;
}

static void take_content(struct multipart *multipart, const char *bytes, size_t len)
{
    if (multipart->state != MULTIPART_CONTENT) {
        return;
    }
    if (multipart->part == MULTIPART_FILE) {
        wav_feed(multipart->wav, bytes, len);
    } else if (multipart->part == MULTIPART_FORMAT) {
        size_t room = sizeof multipart->format - multipart->format_len;
        multipart->format_too_long = multipart->format_too_long || len > room;
        size_t take = len < room ? len : room;
        memcpy(multipart->format + multipart->format_len, bytes, take);
        multipart->format_len += take;
    }
}

/* Looks for the delimiter; returns how many bytes it took. A carriage return stands only at the
 * delimiter's very beginning (no boundary has one), so after a mismatch nothing of what had
 * matched can be the start of another match. */
static size_t seek_delimiter(struct multipart *multipart, const char *bytes, size_t len)
{
    if (multipart->matched == 0) {
        const char *cr = memchr(bytes, '\r', len);
        size_t skip = cr == NULL ? len : (size_t)(cr - bytes);
        take_content(multipart, bytes, skip);
        multipart->matched = cr == NULL ? 0 : 1;
        return cr == NULL ? len : skip + 1;
    }
    size_t used = 0;
    while (used < len && multipart->matched < multipart->delimiter_len) {
        if (bytes[used] != multipart->delimiter[multipart->matched]) {
            take_content(multipart, multipart->delimiter, multipart->matched);
            multipart->matched = 0;
            return used;
        }
        multipart->matched++;
        used++;
    }
    if (multipart->matched == multipart->delimiter_len) {
        multipart->state = MULTIPART_AFTER_BOUNDARY;
        multipart->matched = 0;
        multipart->header_len = 0;
    }
    return used;
}

static void begin_content(struct multipart *multipart)
{
    multipart->part = MULTIPART_OTHER;
    struct slice rest = {multipart->header, multipart->header_len};
    struct slice name, value;
    while (request_next_field(&rest, &name, &value)) {
        if (!slice_is_nocase(name, "content-disposition")) {
            continue;
        }
        struct slice part = find_parameter(value, "name");
        if (slice_is(part, "file")) {
            multipart->part = MULTIPART_FILE;
            multipart->has_file = true;
        } else if (slice_is(part, "response_format")) {
            multipart->part = MULTIPART_FORMAT;
            multipart->format_len = 0;
        }
    }
    multipart->state = MULTIPART_CONTENT;
}

/* Behind a boundary: two hyphens end it all, else (blanks and) CRLF and the part's header. */
static void take_after_boundary(struct multipart *multipart, char c)
{
    multipart->header[multipart->header_len++] = c;
    struct slice seen = {multipart->header, multipart->header_len};
    if (slice_is(seen, "--")) {
        multipart->state = MULTIPART_END;
    } else if (slice_is(seen, "\r\n")) {
        multipart->state = MULTIPART_HEADER;
        multipart->header_len = 0;
    } else if (c == ' ' || c == '\t') {
        multipart->header_len--;
    } else if (!slice_is(seen, "-") && !slice_is(seen, "\r")) {
        multipart->state = MULTIPART_BROKEN;
    }
}

static void take_header(struct multipart *multipart, char c)
{
    if (multipart->header_len == sizeof multipart->header) {
        multipart->state = MULTIPART_BROKEN;
        return;
    }
    multipart->header[multipart->header_len++] = c;
    struct slice header = {multipart->header, multipart->header_len};
    if (slice_is(header, "\r\n") || slice_ends_with(header, "\r\n\r\n")) {
        begin_content(multipart);
    }
}

void multipart_feed(struct multipart *multipart, const char *bytes, size_t len)
{
    while (len > 0 && multipart->state != MULTIPART_END && multipart->state != MULTIPART_BROKEN) {
        size_t used = 1;
        if (multipart->state == MULTIPART_AFTER_BOUNDARY) {
            take_after_boundary(multipart, bytes[0]);
        } else if (multipart->state == MULTIPART_HEADER) {
            take_header(multipart, bytes[0]);
        } else {
            used = seek_delimiter(multipart, bytes, len);
        }
        bytes += used;
        len -= used;
    }
}

bool multipart_whole(const struct multipart *multipart)
{
    return multipart->state == MULTIPART_END;
}
