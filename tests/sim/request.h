/* The head of an HTTP/1.x request: finding its end in a stream and taking it apart.
 *
 * Stricter than RFC 9112 asks for, since the tests use it to find out whether anything malformed
 * comes through a balancer: CRLF only, no empty line before the request, no folded fields, no
 * space before a colon, exactly one Host (HTTP/1.1), at most one Content-Length of digits only,
 * "chunked" as the only transfer coding and never together with a Content-Length. */
#ifndef SIM_REQUEST_H
#define SIM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

enum { REQUEST_HEAD_MAX = 64 * 1024 }; /* request line and fields together */

/* Every slice points into the head that was parsed. */
struct request {
    struct slice method, target, path; /* path: the target without its query */
    struct slice host, content_type, sim_response, sim_job_time, sim_async, job_name;
    uint64_t content_length;
    bool has_length, chunked;
    bool http10;
    bool keep_alive; /* the client wants the connection to stay */
    bool expect_continue;
};

enum request_scan { REQUEST_MORE, REQUEST_WHOLE, REQUEST_BAD };

/* Looks for the end of the head in the bytes received so far. *scanned is where the last look at
 * the same bytes ended (0 at first). REQUEST_WHOLE sets *head_bytes, REQUEST_BAD sets *error. */
enum request_scan request_scan(const char *bytes, size_t len, size_t *scanned, size_t *head_bytes,
                               const char **error);

/* Takes a whole head apart. NULL, or a static text that says what is wrong with it. */
const char *request_parse(const char *head, size_t len, struct request *request);

/* Takes the next field from *rest (which starts behind the request line). False at the empty line.
 * Only for a head that request_parse() has accepted. */
bool request_next_field(struct slice *rest, struct slice *name, struct slice *value);

/* Takes the line up to CRLF from *rest. False if there is none. */
bool request_next_line(struct slice *rest, struct slice *line);

#endif
