#include "http.h"

#include <string.h>
#include <strings.h>

/* --- a request's head */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The characters of a token (RFC 9110, 5.6.2): methods and field names. */
static bool is_token_char(unsigned char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && memchr(others, c, sizeof others - 1) != NULL);
}

static bool is_token(struct slice slice)
{
    for (size_t i = 0; i < slice.len; i++) {
        if (!is_token_char((unsigned char)slice.at[i])) {
            return false;
        }
    }
    return slice.len > 0;
}

/* What may stand in a field's value, a trailer or a chunk's extension. */
static bool is_field_char(char c)
{
    return ((unsigned char)c >= 0x20 || c == '\t') && c != 0x7f;
}

/* While the first line is incomplete: could it still become a request line? Without this look
 * something that isn't HTTP and has no line feed (a TLS handshake) would wait for ever. */
static bool may_become_request(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool line_ends = c == '\r' && i + 1 == len && i > 0;
        if ((c < 0x20 || c > 0x7e) && !line_ends) {
            return false;
        }
    }
    return is_token_char((unsigned char)bytes[0]);
}

static enum request_scan bad(const char **error, const char *text)
{
    *error = text;
    return REQUEST_BAD;
}

enum request_scan request_scan(const char *bytes, size_t len, size_t *scanned, size_t *head_bytes,
                               const char **error)
{
    bool first_line = memchr(bytes, '\n', *scanned) == NULL;
    while (*scanned < len) {
        const char *lf = memchr(bytes + *scanned, '\n', len - *scanned);
        if (lf == NULL) {
            break;
        }
        first_line = false;
        size_t at = (size_t)(lf - bytes);
        if (at == 0 || bytes[at - 1] != '\r') {
            return bad(error, "bare line feed");
        }
        if (at == 1) {
            return bad(error, "empty line before the request");
        }
        *scanned = at + 1;
        if (bytes[at - 2] == '\n') {
            *head_bytes = at + 1;
            return at + 1 > REQUEST_HEAD_MAX ? bad(error, "head too large") : REQUEST_WHOLE;
        }
    }
    *scanned = len;
    if (len > REQUEST_HEAD_MAX) {
        return bad(error, "head too large");
    }
    if (first_line && !may_become_request(bytes, len)) {
        return bad(error, "not a request line");
    }
    return REQUEST_MORE;
}

bool request_next_line(struct slice *rest, struct slice *line)
{
    const char *cr = memmem(rest->at, rest->len, "\r\n", 2);
    if (cr == NULL) {
        return false;
    }
    *line = slice_take(rest, (size_t)(cr - rest->at));
    slice_take(rest, 2);
    return true;
}

bool request_next_field(struct slice *rest, struct slice *name, struct slice *value)
{
    struct slice line;
    if (!request_next_line(rest, &line) || !slice_take_until(&line, ':', name)) {
        return false;
    }
    *value = slice_trim(line);
    return true;
}

static const char *parse_version(struct slice version, struct request *request)
{
    if (slice_is(version, "HTTP/1.1")) {
        request->keep_alive = true;
    } else if (slice_is(version, "HTTP/1.0")) {
        request->http10 = true;
    } else {
        return "not HTTP/1.0 or HTTP/1.1";
    }
    return NULL;
}

static const char *check_target(struct slice target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.at[i] <= 0x20 || target.at[i] > 0x7e) {
            return "bad character in the target";
        }
    }
    return target.len == 0 ? "empty target" : NULL;
}

static const char *parse_request_line(struct slice line, struct request *request)
{
    if (!slice_take_until(&line, ' ', &request->method)) {
        return "no target in the request line";
    }
    if (!slice_take_until(&line, ' ', &request->target)) {
        return "no version in the request line";
    }
    if (!is_token(request->method)) {
        return "bad method";
    }
    const char *error = check_target(request->target);
    if (error != NULL) {
        return error;
    }
    request->query = request->target;
    if (!slice_take_until(&request->query, '?', &request->path)) {
        request->path = request->target;
        request->query.len = 0;
    }
    return parse_version(line, request);
}

static const char *take_host(struct request *request, struct slice value)
{
    if (request->host.at != NULL) {
        return "more than one Host";
    }
    request->host = value;
    return NULL;
}

static const char *take_content_length(struct request *request, struct slice value)
{
    if (request->has_length) {
        return "more than one Content-Length";
    }
    request->has_length = true;
    return slice_to_number(value, &request->content_length) ? NULL : "bad Content-Length";
}

static const char *take_transfer_encoding(struct request *request, struct slice value)
{
    if (request->chunked) {
        return "more than one Transfer-Encoding";
    }
    request->chunked = true;
    return slice_is_nocase(value, "chunked") ? NULL : "bad Transfer-Encoding";
}

static const char *take_connection(struct request *request, struct slice value)
{
    while (value.len > 0) {
        struct slice token;
        if (!slice_take_until(&value, ',', &token)) {
            token = slice_take(&value, value.len);
        }
        token = slice_trim(token);
        if (slice_is_nocase(token, "close")) {
            request->keep_alive = false;
        } else if (slice_is_nocase(token, "keep-alive")) {
            request->keep_alive = true;
        } else if (slice_is_nocase(token, "upgrade")) {
            request->connection_upgrade = true;
        }
    }
    return NULL;
}

static const char *take_expect(struct request *request, struct slice value)
{
    request->expect_continue = slice_is_nocase(value, "100-continue");
    return NULL;
}

/* The fields that are understood, or kept as they are for others to look at. */
static const struct {
    const char *name;
    const char *(*take)(struct request *request, struct slice value); /* NULL: kept */
    size_t kept;                                                      /* where in the request */
} fields[] = {
    {"host", take_host, 0},
    {"content-length", take_content_length, 0},
    {"transfer-encoding", take_transfer_encoding, 0},
    {"connection", take_connection, 0},
    {"expect", take_expect, 0},
    {"content-type", NULL, offsetof(struct request, content_type)},
    {"x-sim-response", NULL, offsetof(struct request, sim_response)},
    {"x-sim-job-time", NULL, offsetof(struct request, sim_job_time)},
    {"x-sim-async", NULL, offsetof(struct request, sim_async)},
    {"x-sim-job-id", NULL, offsetof(struct request, sim_job_id)},
    {"x-sim-accepted", NULL, offsetof(struct request, sim_accepted)},
    {"x-sim-result-bytes", NULL, offsetof(struct request, sim_result_bytes)},
    {"origin", NULL, offsetof(struct request, origin)},
    {"cookie", NULL, offsetof(struct request, cookie)},
    {"access-control-request-method", NULL, offsetof(struct request, cors_method)},
    {"access-control-request-headers", NULL, offsetof(struct request, cors_headers)},
    {"upgrade", NULL, offsetof(struct request, upgrade)},
    {"sec-websocket-key", NULL, offsetof(struct request, websocket_key)},
    {"sec-websocket-version", NULL, offsetof(struct request, websocket_version)},
    {"x-job", NULL, offsetof(struct request, job_name)},
};

static const char *take_field(struct request *request, struct slice name, struct slice value)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (slice_is_nocase(name, fields[i].name)) {
            if (fields[i].take != NULL) {
                return fields[i].take(request, value);
            }
            memcpy((char *)request + fields[i].kept, &value, sizeof value);
            return NULL;
        }
    }
    return NULL;
}

static const char *parse_field(struct slice line, struct request *request)
{
    if (is_blank(line.at[0])) {
        return "folded field";
    }
    struct slice name;
    if (!slice_take_until(&line, ':', &name)) {
        return "field without a colon";
    }
    if (!is_token(name)) {
        return "bad field name";
    }
    struct slice value = slice_trim(line);
    for (size_t i = 0; i < value.len; i++) {
        if (!is_field_char(value.at[i])) {
            return "control character in a field";
        }
    }
    return take_field(request, name, value);
}

static const char *check_framing(const struct request *request)
{
    if (request->chunked && request->has_length) {
        return "both Content-Length and Transfer-Encoding";
    }
    if (request->chunked && request->http10) {
        return "Transfer-Encoding in HTTP/1.0";
    }
    if (request->host.at == NULL && !request->http10) {
        return "no Host";
    }
    return NULL;
}

const char *request_parse(const char *head, size_t len, struct request *request)
{
    memset(request, 0, sizeof *request);
    struct slice rest = {head, len};
    struct slice line;
    if (!request_next_line(&rest, &line)) {
        return "no request line";
    }
    const char *error = parse_request_line(line, request);
    while (error == NULL && request_next_line(&rest, &line) && line.len > 0) {
        error = parse_field(line, request);
    }
    return error != NULL ? error : check_framing(request);
}

/* --- a request's body */

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
    } else if (!is_field_char(c)) {
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
    } else if (!is_field_char(c)) {
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

static void take_data(struct body *body, struct slice *in, struct slice *data)
{
    *data = slice_take(in, in->len < body->left ? in->len : (size_t)body->left);
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
        slice_take(in, 1);
    }
}
