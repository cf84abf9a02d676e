/* What is sent to a client: ordinary responses, and the odd ones that are asked for by name
 * (X-Sim-Response, or an instance's setting). */
#ifndef SIM_RESPOND_H
#define SIM_RESPOND_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "upload.h"

#define RESPOND_JSON "application/json" /* a Content-Type */

struct conn;

/* --- ordinary responses */

struct response {
    int status;
    const char *type;   /* Content-Type; NULL: none */
    const char *fields; /* more header fields, each with CRLF; NULL: none */
    const char *body;   /* text; NULL: an empty one */
};

/* Sends a response with a Content-Length; the connection stays if the request wants it to. */
void respond_with(struct conn *conn, const struct response *response);

/* {"detail":…} */
void respond_detail(struct conn *conn, int status, const char *detail);

/* Refuses something that isn't a request: 400, then the connection is closed. */
void respond_refuse(struct conn *conn, const char *error);

/* The transcript in the format asked for, or in the one given. */
void respond_transcript(struct conn *conn, enum upload_format format);

/* An async job's number, and that it has been taken. */
void respond_queued(struct conn *conn);

/* For unusual bodies: sends only a head; `framing` is the Content-Length or Transfer-Encoding field
 * with its CRLF, or empty. Then comes the body (none if respond_without_body()), then
 * respond_finish(). */
void respond_head(struct conn *conn, int status, const char *type, const char *framing);

/* The same with the number of body bytes to come. */
void respond_head_length(struct conn *conn, int status, const char *type, uint64_t length);

/* Is the request a HEAD, so that no body may follow? */
bool respond_without_body(const struct conn *conn);

/* The response is complete; the connection stays if the request wants it to. */
void respond_finish(struct conn *conn);

/* --- odd responses */

enum odd_kind {
    ODD_NONE,
    ODD_STATUS,
    ODD_CHUNKED,
    ODD_DRIP,
    ODD_DRIP_TEXT,
    ODD_BIG,
    ODD_VTT,
    ODD_DUP,
    ODD_EMPTY,
    ODD_ABORT,
    ODD_ABORT_CHUNKED,
    ODD_CLOSE,
    ODD_RESET,
    ODD_EARLY,
    ODD_PIECES,
    ODD_HALVES,
    ODD_JOB_ID,
    ODD_JOB_ID_DEEP,
    ODD_JOB_ID_CHUNKED,
    ODD_JOB_ID_TEXT,
    ODD_JOB_ID_BIG
};

enum { ODD_NAME_MAX = 40 };

struct odd {
    enum odd_kind kind;
    uint64_t number; /* the status, the size or the number of pieces, where it has one */
};

/* Reads a name, with its number if it has one. False: no such response. */
bool odd_parse(struct slice value, struct odd *odd);

/* The same the other way round; empty for ODD_NONE. */
void odd_format(const struct odd *odd, char name[ODD_NAME_MAX]);

/* Sends conn->odd, which isn't ODD_NONE. */
void odd_respond(struct conn *conn);

/* Sends n further pieces (n < 0: all) of a response that is held; no more than there are. */
void odd_release(struct conn *conn, int64_t n);

#endif
