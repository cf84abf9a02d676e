/* Cross-origin resource sharing, as WhisperX's server has it from Starlette: all origins, methods
 * and header fields, with credentials. */
#ifndef SIM_CORS_H
#define SIM_CORS_H

#include <stdbool.h>
#include <stddef.h>

struct conn;

enum { CORS_VALUE_MAX = 1024, CORS_FIELDS_MAX = CORS_VALUE_MAX + 256 };

/* Is the request a preflight, to an instance that answers them? */
bool cors_is_preflight(const struct conn *conn);

/* Answers one: 200 (Starlette has a body: "OK"), or 400 if a value is longer than CORS_VALUE_MAX.
 */
void cors_answer(struct conn *conn);

/* The fields of any other response, each with CRLF; empty if it needs none. */
void cors_format(const struct conn *conn, char fields[CORS_FIELDS_MAX]);

#endif
