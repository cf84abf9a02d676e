/* Responses: what is sent to a client. */
#ifndef SIM_RESPOND_H
#define SIM_RESPOND_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "upload.h"
#include "wire.h"

#define RESPOND_JSON "application/json" /* a Content-Type */

struct conn;
struct evbuffer;

struct response {
    int status;
    const char *type;   /* Content-Type; NULL: none */
    const char *fields; /* more header fields, each with CRLF; NULL: none */
    const char *body;   /* text; NULL: an empty one */
};

/* Sends a response with a Content-Length; the connection stays if the request wants it to. */
void respond_with(struct conn *conn, const struct response *response);

/* The same with its body from a buffer, which is empty afterwards. */
void respond_buffer(struct conn *conn, const struct response *response, struct evbuffer *body);

/* The same with more of the body behind what is in the buffer: a generated part, and a static text.
 */
void respond_filled(struct conn *conn, const struct response *response, struct evbuffer *body,
                    struct filler filler, const char *tail);

/* {"detail":…} */
void respond_detail(struct conn *conn, int status, const char *detail);

/* Refuses something that isn't a request: 400, then the connection is closed. */
void respond_refuse(struct conn *conn, const char *error);

/* The transcript in the format asked for, or in the one given. */
void respond_transcript(struct conn *conn, enum upload_format format);

/* What a chat completion, and anything else that is no transcript, results in. */
void respond_completion(struct conn *conn);

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

#endif
