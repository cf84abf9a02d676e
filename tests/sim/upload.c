#include "upload.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the audio's length */

enum { RIFF_BYTES = 12, CHUNK_HEADER_BYTES = 8, FORMAT_BYTES = 16 };

static uint32_t little_endian(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void wav_init(struct wav *wav)
{
    memset(wav, 0, sizeof *wav);
    wav->state = WAV_RIFF;
}

static size_t wanted(const struct wav *wav)
{
    switch (wav->state) {
    case WAV_RIFF:
        return RIFF_BYTES;
    case WAV_CHUNK:
        return CHUNK_HEADER_BYTES;
    default:
        return FORMAT_BYTES;
    }
}

/* Chunks are padded to an even length. */
static uint64_t padded(uint64_t bytes)
{
    return bytes + bytes % 2;
}

static void take_chunk_header(struct wav *wav)
{
    uint32_t bytes = little_endian(wav->collected + 4);
    if (memcmp(wav->collected, "data", 4) == 0) {
        wav->declared = bytes;
        wav->state = WAV_DATA;
    } else if (memcmp(wav->collected, "fmt ", 4) == 0 && bytes >= FORMAT_BYTES) {
        wav->format_bytes = bytes;
        wav->state = WAV_FORMAT;
    } else {
        wav->skip = padded(bytes);
        wav->state = WAV_SKIP;
    }
}

static void take_collected(struct wav *wav)
{
    if (wav->state == WAV_RIFF) {
        wav->state =
            memcmp(wav->collected, "RIFF", 4) == 0 && memcmp(wav->collected + 8, "WAVE", 4) == 0
                ? WAV_CHUNK
                : WAV_NONE;
    } else if (wav->state == WAV_CHUNK) {
        take_chunk_header(wav);
    } else {
        wav->byte_rate = little_endian(wav->collected + 8);
        wav->skip = padded(wav->format_bytes) - FORMAT_BYTES;
        wav->state = WAV_SKIP;
    }
    wav->have = 0;
}

/* Collects the bytes of a header; returns how many it took. */
static size_t collect(struct wav *wav, const char *bytes, size_t len)
{
    size_t take = wanted(wav) - wav->have;
    if (take > len) {
        take = len;
    }
    memcpy(wav->collected + wav->have, bytes, take);
    wav->have += take;
    if (wav->have == wanted(wav)) {
        take_collected(wav);
    }
    return take;
}

static void wav_feed(struct wav *wav, const char *bytes, size_t len)
{
    wav->bytes += len;
    while (len > 0 && wav->state != WAV_NONE) {
        size_t used = len;
        if (wav->state == WAV_DATA) {
            wav->data += len;
        } else if (wav->state == WAV_SKIP) {
            used = wav->skip < len ? (size_t)wav->skip : len;
            wav->skip -= used;
            wav->state = wav->skip == 0 ? WAV_CHUNK : WAV_SKIP;
        } else {
            used = collect(wav, bytes, len);
        }
        bytes += used;
        len -= used;
    }
}

static double wav_seconds(const struct wav *wav)
{
    if (wav->state != WAV_DATA || wav->byte_rate == 0) {
        return (double)wav->bytes / WAV_OTHER_BYTE_RATE;
    }
    uint64_t data = wav->data < wav->declared ? wav->data : wav->declared;
    return (double)data / (double)wav->byte_rate;
}

/* --- multipart/form-data, as a stream */

enum {
    MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
    MULTIPART_HEADER_MAX = 4096  /* the header of one part */
};

enum multipart_state {
    MULTIPART_PREAMBLE,
    MULTIPART_AFTER_BOUNDARY, /* behind a boundary: CRLF, or -- at the end */
    MULTIPART_HEADER,
    MULTIPART_CONTENT,
    MULTIPART_END,
    MULTIPART_BROKEN
};

/* Nothing is stored but one part's header and the short values. */
struct multipart {
    enum multipart_state state;
    bool has_file;
    bool in_file;               /* the part is "file" … */
    struct upload_value *value; /* … or one that is kept; NULL: none of both; into values */
    size_t matched;             /* bytes of the delimiter that have been seen */
    size_t delimiter_len;
    size_t header_len;
    struct wav *wav;                            /* not owned; measures the file */
    struct upload_value *values;                /* not owned */
    char delimiter[MULTIPART_BOUNDARY_MAX + 4]; /* CRLF -- boundary */
    char header[MULTIPART_HEADER_MAX];          /* also collects what follows a boundary */
};

static const char *const value_names[UPLOAD_VALUES] = {[UPLOAD_RESPONSE_FORMAT] = "response_format",
                                                       [UPLOAD_STORED_OUTPUT] = "stored_output",
                                                       [UPLOAD_KEY] = "key"};

/* NULL: none of that name is kept. */
static struct upload_value *find_value(struct upload_value *values, struct slice name)
{
    for (size_t i = 0; i < UPLOAD_VALUES; i++) {
        if (value_names[i] != NULL && slice_is(name, value_names[i])) {
            return &values[i];
        }
    }
    return NULL;
}

static void add_to_value(struct upload_value *value, const char *bytes, size_t len)
{
    size_t room = sizeof value->bytes - value->len;
    size_t take = len < room ? len : room;
    value->too_long = value->too_long || len > room;
    memcpy(value->bytes + value->len, bytes, take);
    value->len += take;
}

static void set_value(struct upload_value *value, struct slice text)
{
    value->len = 0;
    value->too_long = false;
    if (text.len > 0) {
        add_to_value(value, text.at, text.len);
    }
}

/* Takes a parameter's value up to its end: in quotes, with the backslashes inside as they are (no
 * value we look for has any), or up to the next semicolon. */
static struct slice take_value(struct slice *rest)
{
    size_t len = 0;
    if (!slice_take_prefix(rest, "\"")) {
        while (len < rest->len && rest->at[len] != ';') {
            len++;
        }
        return slice_trim(slice_take(rest, len));
    }
    while (len < rest->len && rest->at[len] != '"') {
        len += rest->at[len] == '\\' && rest->len - len > 1 ? 2 : 1;
    }
    return slice_take(rest, len);
}

/* The value of the field's parameter of that name: `; name=value`. */
static struct slice find_parameter(struct slice field, const char *wanted)
{
    struct slice skipped, name;
    while (slice_take_until(&field, ';', &skipped) && slice_take_until(&field, '=', &name)) {
        struct slice value = take_value(&field);
        if (slice_is_nocase(slice_trim(name), wanted)) {
            return value;
        }
    }
    return (struct slice){NULL, 0};
}

/* Is the content type this one, with or without parameters? */
static bool is_type(struct slice content_type, const char *type)
{
    size_t len = strlen(type);
    return content_type.len >= len && strncasecmp(content_type.at, type, len) == 0 &&
           (content_type.len == len || strchr("; \t", content_type.at[len]) != NULL);
}

/* A parser whose file part is measured by *wav, owned by the caller and freed with free(). NULL if
 * the content type has no usable boundary (or memory is short). */
static struct multipart *multipart_new(struct slice content_type, struct wav *wav,
                                       struct upload_value *values)
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
    multipart->values = values;
    return multipart;
}

static void take_content(struct multipart *multipart, const char *bytes, size_t len)
{
    if (multipart->state != MULTIPART_CONTENT) {
        return;
    }
    if (multipart->in_file) {
        wav_feed(multipart->wav, bytes, len);
    } else if (multipart->value != NULL) {
        add_to_value(multipart->value, bytes, len);
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

static void take_disposition(struct multipart *multipart, struct slice disposition)
{
    struct slice name = find_parameter(disposition, "name");
    multipart->in_file = slice_is(name, "file");
    multipart->value = multipart->in_file ? NULL : find_value(multipart->values, name);
    if (multipart->in_file) {
        multipart->has_file = true;
        set_value(&multipart->values[UPLOAD_FILE_NAME], find_parameter(disposition, "filename"));
    } else if (multipart->value != NULL) {
        set_value(multipart->value, (struct slice){NULL, 0});
    }
}

static void begin_content(struct multipart *multipart)
{
    multipart->in_file = false;
    multipart->value = NULL;
    struct slice rest = {multipart->header, multipart->header_len};
    struct slice name, value;
    struct slice type = {NULL, 0};
    while (request_next_field(&rest, &name, &value)) {
        if (slice_is_nocase(name, "content-disposition")) {
            take_disposition(multipart, value);
        } else if (slice_is_nocase(name, "content-type")) {
            type = value;
        }
    }
    if (multipart->in_file) {
        set_value(&multipart->values[UPLOAD_FILE_TYPE], type);
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

static void multipart_feed(struct multipart *multipart, const char *bytes, size_t len)
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

/* --- application/x-www-form-urlencoded: of a short form only, and one without other values */

/* Keeps the body, in the place of the value that it turns out to have. */
static void form_feed(struct upload *upload, struct slice data)
{
    add_to_value(&upload->values[UPLOAD_KEY], data.at, data.len);
}

static void form_end(struct upload *upload)
{
    struct upload_value *key = &upload->values[UPLOAD_KEY];
    const struct upload_value form = *key;
    struct slice rest = {form.bytes, form.len};
    struct slice pair, name;
    key->len = 0;
    while (rest.len > 0) {
        if (!slice_take_until(&rest, '&', &pair)) {
            pair = slice_take(&rest, rest.len);
        }
        if (slice_take_until(&pair, '=', &name) && slice_is(name, value_names[UPLOAD_KEY])) {
            slice_decode(pair, true, key->bytes, sizeof key->bytes, &key->len);
        }
    }
}

/* --- all together */

static const char *const format_names[UPLOAD_FORMATS] = {"json", "text", "srt", "vtt",
                                                         "verbose_json"};

void upload_begin(struct upload *upload, const struct request *request, bool is_form)
{
    memset(upload, 0, sizeof *upload);
    wav_init(&upload->wav);
    if (is_type(request->content_type, "multipart/form-data")) {
        upload->type = UPLOAD_MULTIPART;
    } else if (is_type(request->content_type, "application/x-www-form-urlencoded")) {
        upload->type = UPLOAD_URLENCODED;
    }
    if (upload->type != UPLOAD_AUDIO && is_form) {
        upload->values = calloc(UPLOAD_VALUES, sizeof *upload->values);
    }
    if (upload->type == UPLOAD_MULTIPART && upload->values != NULL) {
        upload->multipart = multipart_new(request->content_type, &upload->wav, upload->values);
    }
}

bool upload_feed(struct upload *upload, const EVP_MD *md, struct slice data)
{
    if (upload->digest == NULL) {
        upload->digest = EVP_MD_CTX_new();
        if (upload->digest == NULL || EVP_DigestInit_ex(upload->digest, md, NULL) != 1) {
            return false;
        }
    }
    upload->bytes += data.len;
    if (upload->multipart != NULL) {
        multipart_feed(upload->multipart, data.at, data.len);
    } else {
        wav_feed(&upload->wav, data.at, data.len);
    }
    if (upload->type == UPLOAD_URLENCODED && upload->values != NULL) {
        form_feed(upload, data);
    }
    return EVP_DigestUpdate(upload->digest, data.at, data.len) == 1;
}

static const char *read_format(struct upload *upload)
{
    struct slice name = upload_value(upload, UPLOAD_RESPONSE_FORMAT);
    bool cut = upload->values[UPLOAD_RESPONSE_FORMAT].too_long;
    if (name.len == 0) {
        return NULL;
    }
    for (size_t i = 0; i < UPLOAD_FORMATS; i++) {
        if (!cut && slice_is(name, format_names[i])) {
            upload->format = (enum upload_format)i;
            return NULL;
        }
    }
    return "unknown response_format";
}

static const char *judge(struct upload *upload)
{
    if (upload->type != UPLOAD_MULTIPART) {
        return NULL;
    }
    if (upload->multipart == NULL) {
        return "multipart without a boundary or a body";
    }
    if (upload->multipart->state != MULTIPART_END) {
        return "malformed multipart body";
    }
    if (!upload->has_file) {
        return "no part named file";
    }
    return read_format(upload);
}

bool upload_end(struct upload *upload, unsigned char *sha256)
{
    upload->has_file = upload->multipart != NULL && upload->multipart->has_file;
    upload->error = judge(upload);
    if (upload->type == UPLOAD_URLENCODED && upload->values != NULL) {
        form_end(upload);
    }
    upload->seconds = wav_seconds(&upload->wav);
    bool hashed = upload->digest != NULL && EVP_DigestFinal_ex(upload->digest, sha256, NULL) == 1;
    EVP_MD_CTX_free(upload->digest);
    upload->digest = NULL;
    free(upload->multipart);
    upload->multipart = NULL;
    return hashed;
}

struct slice upload_value(const struct upload *upload, enum upload_value_kind kind)
{
    if (upload->values == NULL) {
        return (struct slice){"", 0};
    }
    return (struct slice){upload->values[kind].bytes, upload->values[kind].len};
}

bool upload_is_true(const struct upload *upload, enum upload_value_kind kind)
{
    return slice_is_true(upload_value(upload, kind));
}

void upload_free(struct upload *upload)
{
    free(upload->values);
    memset(upload, 0, sizeof *upload);
}
