#include "request.h"

#include <string.h>
#include <strings.h>

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
    *line = (struct slice){rest->at, (size_t)(cr - rest->at)};
    rest->at += line->len + 2;
    rest->len -= line->len + 2;
    return true;
}

bool request_next_field(struct slice *rest, struct slice *name, struct slice *value)
{
    struct slice line;
    if (!request_next_line(rest, &line) || line.len == 0) {
        return false;
    }
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL) {
        return false;
    }
    *name = (struct slice){line.at, (size_t)(colon - line.at)};
    *value = slice_trim((struct slice){colon + 1, line.len - name->len - 1});
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

static const char *parse_request_line(struct slice line, struct request *request)
{
    const char *space = memchr(line.at, ' ', line.len);
    if (space == NULL) {
        return "no target in the request line";
    }
    request->method = (struct slice){line.at, (size_t)(space - line.at)};
    struct slice rest = {space + 1, line.len - request->method.len - 1};
    space = memchr(rest.at, ' ', rest.len);
    if (space == NULL) {
        return "no version in the request line";
    }
    request->target = (struct slice){rest.at, (size_t)(space - rest.at)};
    if (!is_token(request->method)) {
        return "bad method";
    }
    if (request->target.len == 0) {
        return "empty target";
    }
    for (size_t i = 0; i < request->target.len; i++) {
        if (request->target.at[i] <= 0x20 || request->target.at[i] > 0x7e) {
            return "bad character in the target";
        }
    }
    request->path = request->target;
    const char *query = memchr(request->path.at, '?', request->path.len);
    if (query != NULL) {
        request->path.len = (size_t)(query - request->path.at);
    }
    return parse_version((struct slice){space + 1, rest.len - request->target.len - 1}, request);
}

static const char *field_host(struct request *request, struct slice value)
{
    if (request->host.at != NULL) {
        return "more than one Host";
    }
    request->host = value;
    return NULL;
}

static const char *field_content_length(struct request *request, struct slice value)
{
    if (request->has_length) {
        return "more than one Content-Length";
    }
    request->has_length = true;
    return slice_to_number(value, &request->content_length) ? NULL : "bad Content-Length";
}

static const char *field_transfer_encoding(struct request *request, struct slice value)
{
    if (request->chunked) {
        return "more than one Transfer-Encoding";
    }
    request->chunked = true;
    return slice_is_nocase(value, "chunked") ? NULL : "bad Transfer-Encoding";
}

static const char *field_connection(struct request *request, struct slice value)
{
    while (value.len > 0) {
        const char *comma = memchr(value.at, ',', value.len);
        size_t len = comma == NULL ? value.len : (size_t)(comma - value.at);
        struct slice token = slice_trim((struct slice){value.at, len});
        if (slice_is_nocase(token, "close")) {
            request->keep_alive = false;
        } else if (slice_is_nocase(token, "keep-alive")) {
            request->keep_alive = true;
        }
        size_t used = comma == NULL ? len : len + 1;
        value.at += used;
        value.len -= used;
    }
    return NULL;
}

static const char *field_expect(struct request *request, struct slice value)
{
    request->expect_continue = slice_is_nocase(value, "100-continue");
    return NULL;
}

static const char *field_content_type(struct request *request, struct slice value)
{
    request->content_type = value;
    return NULL;
}

static const char *field_sim_response(struct request *request, struct slice value)
{
    request->sim_response = value;
    return NULL;
}

static const char *field_sim_job_time(struct request *request, struct slice value)
{
    request->sim_job_time = value;
    return NULL;
}

static const char *field_sim_async(struct request *request, struct slice value)
{
    request->sim_async = value;
    return NULL;
}

static const char *field_job_name(struct request *request, struct slice value)
{
    request->job_name = value;
    return NULL;
}

static const struct {
    const char *name;
    const char *(*take)(struct request *request, struct slice value);
} known_fields[] = {
    {"host", field_host},
    {"content-length", field_content_length},
    {"transfer-encoding", field_transfer_encoding},
    {"connection", field_connection},
    {"expect", field_expect},
    {"content-type", field_content_type},
    {"x-sim-response", field_sim_response},
    {"x-sim-job-time", field_sim_job_time},
    {"x-sim-async", field_sim_async},
    {"x-job", field_job_name},
};

static const char *parse_field(struct slice line, struct request *request)
{
    if (line.at[0] == ' ' || line.at[0] == '\t') {
        return "folded field";
    }
    const char *colon = memchr(line.at, ':', line.len);
    if (colon == NULL) {
        return "field without a colon";
    }
    struct slice name = {line.at, (size_t)(colon - line.at)};
    struct slice value = slice_trim((struct slice){colon + 1, line.len - name.len - 1});
    if (!is_token(name)) {
        return "bad field name";
    }
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return "control character in a field";
        }
    }
    for (size_t i = 0; i < sizeof known_fields / sizeof known_fields[0]; i++) {
        if (slice_is_nocase(name, known_fields[i].name)) {
            return known_fields[i].take(request, value);
        }
    }
    return NULL;
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
