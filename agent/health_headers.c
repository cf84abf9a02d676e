#include "health_headers.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "textfile.h"
#include "xalloc.h"

/* RFC 9110 section 5.6.2: a token. */
static size_t name_length(const char *line, size_t length)
{
    size_t i = 0;

    while (i < length && line[i] != '\0' &&
           (isalnum((unsigned char)line[i]) || strchr("!#$%&'*+-.^_`|~", line[i]) != NULL))
        i++;
    return i;
}

/* Fields that say where a request goes or ends are libcurl's. */
static bool is_reserved(const char *name, size_t length)
{
    static const char *const names[] = {"Host",    "Connection",       "Content-Length",
                                        "Expect",  "Upgrade",          "TE",
                                        "Trailer", "Transfer-Encoding"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i]) == length && strncasecmp(name, names[i], length) == 0)
            return true;
    }
    return false;
}

/* NULL, or what is wrong with a line, without what it says. */
static const char *field_problem(const char *line, size_t length)
{
    size_t name = name_length(line, length);
    size_t value = name + 1;

    if (name == 0 || name == length || line[name] != ':')
        return "expected a header field such as Authorization: Bearer and a token (RFC 9110)";
    if (is_reserved(line, name))
        return "this header field is the agent's own to set";
    while (value < length && (line[value] == ' ' || line[value] == '\t'))
        value++;
    if (value == length)
        return "the header field has no value";
    for (size_t i = name; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < 0x20 && c != '\t') || c >= 0x7f)
            return "has a control character, or one outside ASCII";
    }
    return NULL;
}

static void add_header(struct config *config, const char *line, size_t length)
{
    config->health_headers =
        xreallocarray(config->health_headers, config->health_header_count + 1, sizeof(char *));
    config->health_headers[config->health_header_count++] = xstrndup(line, length);
}

static void take_line(struct config *config, const char *line, size_t length, unsigned number,
                      struct errors *errors)
{
    const char *problem = NULL;

    if (length > 0 && line[length - 1] == '\r')
        length--;
    while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
        length--;
    if (length == 0 || line[0] == '#')
        return;
    if (config->health_header_count == HEALTH_HEADERS_MAX)
        problem = "at most 32 header fields are sent";
    else
        problem = field_problem(line, length);
    if (problem == NULL)
        add_header(config, line, length);
    else
        errors_add(errors, "HEALTH_HEADERS_FILE=\"%s\": line %u: %s", config->health_headers_file,
                   number, problem);
}

static void take_lines(struct config *config, const char *bytes, size_t length,
                       struct errors *errors)
{
    unsigned number = 1;

    if (length > HEALTH_HEADERS_BYTES_MAX) {
        errors_add(errors, "HEALTH_HEADERS_FILE=\"%s\": longer than %d bytes",
                   config->health_headers_file, HEALTH_HEADERS_BYTES_MAX);
        return;
    }
    for (size_t start = 0; start < length; number++) {
        const char *newline = memchr(bytes + start, '\n', length - start);
        size_t end = newline == NULL ? length : (size_t)(newline - bytes);
        take_line(config, bytes + start, end - start, number, errors);
        start = end + 1;
    }
    if (config->health_header_count == 0 && errors->count == 0)
        errors_warn(errors, "HEALTH_HEADERS_FILE=\"%s\": has no header field",
                    config->health_headers_file);
}

void health_headers_read(struct config *config, struct errors *errors)
{
    struct stat status;
    size_t length;

    if (config->health_headers_file == NULL)
        return;
    char *bytes = textfile_read(config->health_headers_file, &length, errors);
    if (bytes == NULL)
        return;
    take_lines(config, bytes, length, errors);
    free(bytes);
    if (stat(config->health_headers_file, &status) == 0 && (status.st_mode & S_IROTH) != 0)
        errors_warn(errors,
                    "HEALTH_HEADERS_FILE=\"%s\": everybody on this machine can read it: chmod o-r",
                    config->health_headers_file);
}
