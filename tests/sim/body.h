/* The framing of a request's body: by length or chunked, decoded as a stream without copying. */
#ifndef SIM_BODY_H
#define SIM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "request.h"

enum {
    BODY_CHUNK_DIGITS_MAX = 15,    /* hex digits of a chunk's size */
    BODY_CHUNK_LINE_MAX = 1024,    /* a chunk's size line with its extensions */
    BODY_TRAILERS_MAX = 16 * 1024, /* all trailer fields together */
};

enum body_state {
    BODY_LENGTH, /* the rest of a body of known length */
    BODY_SIZE,   /* in a chunk's size */
    BODY_EXTENSION,
    BODY_SIZE_LF, /* the line feed behind a chunk's size line */
    BODY_CHUNK,
    BODY_CHUNK_CR,
    BODY_CHUNK_LF,
    BODY_TRAILER_START,
    BODY_TRAILER,
    BODY_TRAILER_LF,
    BODY_END_LF,
    BODY_WHOLE
};

struct body {
    enum body_state state;
    uint64_t left;   /* bytes left of the body or of the chunk */
    unsigned digits; /* of the chunk's size so far */
    size_t line;     /* bytes of the size line, or of all trailers, so far */
};

enum body_result { BODY_DATA, BODY_MORE, BODY_DONE, BODY_BAD };

void body_init(struct body *body, const struct request *request);

/* Takes a step: moves *in forward and returns
 * BODY_DATA with a run of decoded bytes in *data (pointing into *in),
 * BODY_MORE when *in is used up, BODY_DONE at the end of the body (the rest of *in is behind it),
 * BODY_BAD with a static text in *error. */
enum body_result body_next(struct body *body, struct slice *in, struct slice *data,
                           const char **error);

#endif
