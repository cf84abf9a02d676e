/* multipart/form-data (RFC 7578) as a stream: the part "file" is measured, the part
 * "response_format" is kept, all others are skipped. Nothing is stored but one part's header and
 * the short value. */
#ifndef SIM_MULTIPART_H
#define SIM_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"
#include "wav.h"

enum {
    MULTIPART_BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
    MULTIPART_HEADER_MAX = 4096, /* the header of one part */
    MULTIPART_FORMAT_MAX = 32    /* the value of response_format */
};

enum multipart_state {
    MULTIPART_PREAMBLE,
    MULTIPART_AFTER_BOUNDARY, /* behind a boundary: CRLF, or -- at the end */
    MULTIPART_HEADER,
    MULTIPART_CONTENT,
    MULTIPART_END,
    MULTIPART_BROKEN
};

enum multipart_part { MULTIPART_OTHER, MULTIPART_FILE, MULTIPART_FORMAT };

struct multipart {
    enum multipart_state state;
    enum multipart_part part;
    bool has_file;
    bool format_too_long;
    size_t matched; /* bytes of the delimiter that have been seen */
    size_t delimiter_len;
    size_t header_len;
    size_t format_len;
    struct wav *wav;                            /* not owned; measures the file */
    char delimiter[MULTIPART_BOUNDARY_MAX + 4]; /* CRLF -- boundary */
    char header[MULTIPART_HEADER_MAX];          /* also collects what follows a boundary */
    char format[MULTIPART_FORMAT_MAX];
};

/* Is this content type multipart/form-data? */
bool multipart_is(struct slice content_type);

/* A parser whose file part is measured by *wav, owned by the caller and freed with free(). NULL if
 * the content type has no usable boundary (or memory is short). */
struct multipart *multipart_new(struct slice content_type, struct wav *wav);

void multipart_feed(struct multipart *multipart, const char *bytes, size_t len);

/* The last boundary has been seen, and everything before it was well formed. */
bool multipart_whole(const struct multipart *multipart);

#endif
