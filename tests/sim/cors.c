#include "cors.h"

#include <stdio.h>

#include "conn.h"
#include "instance.h"
#include "respond.h"

static bool is_from_other_origin(const struct conn *conn)
{
    return conn->instance->settings.cors && conn->request.origin.at != NULL;
}

bool cors_is_preflight(const struct conn *conn)
{
    return is_from_other_origin(conn) && slice_is(conn->request.method, "OPTIONS") &&
           conn->request.cors_method.at != NULL;
}

void cors_answer(struct conn *conn)
{
    char fields[2 * CORS_VALUE_MAX + 512];
    const struct slice origin = conn->request.origin;
    const struct slice wanted = conn->request.cors_headers;
    if (origin.len > CORS_VALUE_MAX || wanted.len > CORS_VALUE_MAX) {
        respond_detail(conn, 400, "too long a field of a preflight");
        return;
    }
    snprintf(fields, sizeof fields,
             "Vary: Origin\r\n"
             "Access-Control-Allow-Methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n"
             "Access-Control-Max-Age: 600\r\n"
             "Access-Control-Allow-Credentials: true\r\n"
             "Access-Control-Allow-Origin: %.*s\r\n%s%.*s%s",
             (int)origin.len, origin.at,
             wanted.at == NULL ? "" : "Access-Control-Allow-Headers: ", (int)wanted.len,
             wanted.at == NULL ? "" : wanted.at, wanted.at == NULL ? "" : "\r\n");
    respond_with(conn, &(const struct response){.status = 200,
                                                .type = "text/plain; charset=utf-8",
                                                .fields = fields,
                                                .body = "OK"});
}

void cors_format(const struct conn *conn, char fields[CORS_FIELDS_MAX])
{
    const struct slice origin = conn->request.origin;
    fields[0] = '\0';
    if (!is_from_other_origin(conn) || cors_is_preflight(conn)) {
        return;
    }
    /* A browser takes no * for a request with credentials. */
    bool named = conn->request.cookie.at != NULL && origin.len <= CORS_VALUE_MAX;
    snprintf(fields, CORS_FIELDS_MAX,
             "Access-Control-Allow-Origin: %.*s\r\nAccess-Control-Allow-Credentials: true\r\n%s",
             named ? (int)origin.len : 1, named ? origin.at : "*", named ? "Vary: Origin\r\n" : "");
}
