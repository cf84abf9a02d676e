#include "body.h"

#include <string.h>

void body_init(struct body *body, const struct request *request)
{
    memset(body, 0, sizeof *body);
    if (request->chunked) {
        body->state = BODY_SIZE;
    } else {
        body->left = request->content_length;
        body->state = body->left > 0 ? BODY_LENGTH : BODY_WHOLE;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const char *take_size(struct body *body, char c)
{
    int value = hex_value(c);
    if (value >= 0) {
        if (++body->digits > BODY_CHUNK_DIGITS_MAX) {
            return "chunk size too large";
        }
        body->left = body->left * 16 + (uint64_t)value;
        return NULL;
    }
    if (body->digits == 0 || (c != '\r' && c != ';')) {
        return "bad chunk size";
    }
    body->state = c == '\r' ? BODY_SIZE_LF : BODY_EXTENSION;
    return NULL;
}

static const char *take_extension(struct body *body, char c)
{
    if (++body->line > BODY_CHUNK_LINE_MAX) {
        return "chunk extension too long";
    }
    if (c == '\r') {
        body->state = BODY_SIZE_LF;
    } else if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f) {
        return "bad chunk extension";
    }
    return NULL;
}

static const char *take_trailer(struct body *body, char c)
{
    if (++body->line > BODY_TRAILERS_MAX) {
        return "trailers too long";
    }
    if (c == '\r') {
        body->state = body->state == BODY_TRAILER_START ? BODY_END_LF : BODY_TRAILER_LF;
    } else if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f) {
        return "bad trailer";
    } else {
        body->state = BODY_TRAILER;
    }
    return NULL;
}

static const char *take_line_end(struct body *body, char c)
{
    if (c != '\n') {
        return "carriage return without line feed in the chunk framing";
    }
    if (body->state == BODY_SIZE_LF) {
        body->state = body->left > 0 ? BODY_CHUNK : BODY_TRAILER_START;
        body->line = 0;
    } else if (body->state == BODY_CHUNK_LF) {
        body->state = BODY_SIZE;
        body->digits = 0;
        body->line = 0;
    } else {
        body->state = body->state == BODY_END_LF ? BODY_WHOLE : BODY_TRAILER_START;
    }
    return NULL;
}

/* One byte of framing. */
static const char *take_framing(struct body *body, char c)
{
    switch (body->state) {
    case BODY_SIZE:
        return take_size(body, c);
    case BODY_EXTENSION:
        return take_extension(body, c);
    case BODY_CHUNK_CR:
        body->state = BODY_CHUNK_LF;
        return c == '\r' ? NULL : "chunk longer than its size";
    case BODY_TRAILER_START:
    case BODY_TRAILER:
        return take_trailer(body, c);
    default:
        return take_line_end(body, c);
    }
}

static void advance(struct slice *in, size_t bytes)
{
    in->at += bytes;
    in->len -= bytes;
}

static void take_data(struct body *body, struct slice *in, struct slice *data)
{
    *data = *in;
    if (data->len > body->left) {
        data->len = (size_t)body->left;
    }
    advance(in, data->len);
    body->left -= data->len;
    if (body->left == 0) {
        body->state = body->state == BODY_LENGTH ? BODY_WHOLE : BODY_CHUNK_CR;
    }
}

enum body_result body_next(struct body *body, struct slice *in, struct slice *data,
                           const char **error)
{
    for (;;) {
        if (body->state == BODY_WHOLE) {
            return BODY_DONE;
        }
        if (in->len == 0) {
            return BODY_MORE;
        }
        if (body->state == BODY_LENGTH || body->state == BODY_CHUNK) {
            take_data(body, in, data);
            return BODY_DATA;
        }
        *error = take_framing(body, in->at[0]);
        if (*error != NULL) {
            return BODY_BAD;
        }
        advance(in, 1);
    }
}
