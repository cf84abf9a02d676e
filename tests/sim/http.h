/* HTTP/1.x as it is received: the head of a request, the framing of its body. Bytes in, values out:
 * no I/O, nothing copied, nothing allocated.
 *
 * Stricter than RFC 9112 asks for, since the tests use it to find out whether anything malformed
 * comes through a balancer: CRLF only, no empty line before the request, no folded fields, no
 * space before a colon, exactly one Host (HTTP/1.1), at most one Content-Length of digits only,
 * "chunked" as the only transfer coding and never together with a Content-Length. */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

enum {
    REQUEST_HEAD_MAX = 64 * 1024,  /* request line and fields together */
    BODY_CHUNK_DIGITS_MAX = 15,    /* hex digits of a chunk's size */
    BODY_CHUNK_LINE_MAX = 1024,    /* a chunk's size line with its extensions */
    BODY_TRAILERS_MAX = 16 * 1024, /* all trailer fields together */
};

/* A request's head. Every slice points into the bytes that were parsed. */
struct request {
    struct slice method, target, path; /* path: the target without its query */
    struct slice host, content_type, sim_response, sim_job_time, sim_async, sim_job_id;
    struct slice sim_accepted, sim_result_bytes, job_name;
    struct slice origin, cookie, cors_method, cors_headers; /* Access-Control-Request-… */
    struct slice upgrade, websocket_key, websocket_version;
    struct slice query; /* of the target, behind its ? */
    uint64_t content_length;
    bool has_length, chunked;
    bool http10;
    bool keep_alive;         /* the client wants the connection to stay */
    bool connection_upgrade; /* the client wants another protocol */
    bool expect_continue;
};

enum request_scan { REQUEST_MORE, REQUEST_WHOLE, REQUEST_BAD };

/* Looks for the end of the head in the bytes received so far. *scanned is where the last look at
 * the same bytes ended (0 at first). REQUEST_WHOLE sets *head_bytes, REQUEST_BAD sets *error to a
 * static text. */
enum request_scan request_scan(const char *bytes, size_t len, size_t *scanned, size_t *head_bytes,
                               const char **error);

/* Takes a whole head apart. NULL, or a static text that says what is wrong with it. */
const char *request_parse(const char *head, size_t len, struct request *request);

/* Takes the next field from *rest (which starts behind the request line). False at the empty line.
 * Only for a head that request_parse() has accepted, or a part's header. */
bool request_next_field(struct slice *rest, struct slice *name, struct slice *value);

/* Takes the line up to CRLF from *rest. False if there is none. */
bool request_next_line(struct slice *rest, struct slice *line);

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

/* The framing of a request's body: by length or chunked, decoded as a stream. */
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
