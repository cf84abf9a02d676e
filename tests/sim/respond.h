/* Ordinary responses. */
#ifndef SIM_RESPOND_H
#define SIM_RESPOND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upload.h"

struct conn;

struct reply {
    int status;
    const char *type;   /* Content-Type; NULL: none */
    const char *fields; /* more header fields, each with CRLF; NULL: none */
    const char *body;
    size_t body_len;
};

/* Sends a response with a Content-Length; the connection stays if the request wants it to. */
void respond_reply(struct conn *conn, const struct reply *reply);

/* {"detail":…} */
void respond_detail(struct conn *conn, int status, const char *detail);

/* Refuses something that isn't a request: 400, then the connection is closed. */
void respond_refuse(struct conn *conn, const char *error);

/* The transcript in the format asked for, or in the one given. */
void respond_transcript(struct conn *conn, enum upload_format format);

/* An async job's number, and that it has been taken. */
void respond_queued(struct conn *conn);

/* Sends only a head; `framing` is the Content-Length or Transfer-Encoding field with its CRLF, or
 * empty. For unusual bodies: conn_finish_reply() is up to the caller. */
void respond_head(struct conn *conn, int status, const char *type, const char *framing);

/* The same with the number of body bytes to come. */
void respond_head_length(struct conn *conn, int status, const char *type, uint64_t length);

/* Has the connection to be closed after this request's reply? */
bool respond_closes(const struct conn *conn);

/* Is the request a HEAD, so that no body may follow? */
bool respond_without_body(const struct conn *conn);

#endif
