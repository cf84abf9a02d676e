#include "envfile.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "textfile.h"
#include "xalloc.h"

struct reader {
    const char *at;
    const char *end;
    unsigned line;
    const char *file;
    struct errors *errors;
    struct settings found;
    bool has_reference; /* the value that was read last */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

static void skip_line(struct reader *r)
{
    while (r->at < r->end && *r->at != '\n')
        r->at++;
    if (r->at < r->end) {
        r->at++;
        r->line++;
    }
}

static bool at_newline(const struct reader *r)
{
    return r->at == r->end || *r->at == '\n' ||
           (*r->at == '\r' && (r->at + 1 == r->end || r->at[1] == '\n'));
}

/* What is left of a line after a value: blanks and a comment, or something that isn't expected. */
static bool at_end_of_line(struct reader *r)
{
    const char *before = r->at;

    skip_blanks(r);
    return at_newline(r) || (*r->at == '#' && (r->at > before || is_blank(r->at[-1])));
}

static char *read_name(struct reader *r)
{
    const char *start = r->at;

    while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr("_.-", *r->at) != NULL) &&
           *r->at != '\0')
        r->at++;
    size_t length = (size_t)(r->at - start);
    if (length == 0 || length > ENVFILE_NAME_MAX || isdigit((unsigned char)*start))
        return NULL;
    return xstrndup(start, length);
}

/* $X or ${X}, which docker compose would expand; it isn't in single quotes. */
static bool at_reference(const struct reader *r)
{
    return r->at + 1 < r->end && r->at[0] == '$' &&
           (isalpha((unsigned char)r->at[1]) || r->at[1] == '_' || r->at[1] == '{');
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* A value in quotes; NULL if the closing quote is missing. */
static char *read_quoted(struct reader *r)
{
    char quote = *r->at++;
    char *value = xcalloc(1, (size_t)(r->end - r->at) + 1);
    size_t length = 0;

    for (; r->at < r->end && *r->at != quote; r->at++) {
        if (*r->at == '\n')
            r->line++;
        if (quote == '"' && *r->at == '\\' && r->at + 1 < r->end &&
            strchr("nrt\"\\$", r->at[1]) != NULL) {
            value[length++] = unescape(*++r->at);
            continue;
        }
        r->has_reference = r->has_reference || (quote == '"' && at_reference(r));
        value[length++] = *r->at;
    }
    if (r->at == r->end) {
        free(value);
        return NULL;
    }
    r->at++;
    return value;
}

static char *read_unquoted(struct reader *r)
{
    const char *start = r->at;

    while (r->at < r->end && *r->at != '\n' &&
           !(*r->at == '#' && (r->at == start || is_blank(r->at[-1])))) {
        r->has_reference = r->has_reference || at_reference(r);
        r->at++;
    }
    const char *stop = r->at;
    while (stop > start && (is_blank(stop[-1]) || stop[-1] == '\r'))
        stop--;
    return xstrndup(start, (size_t)(stop - start));
}

/* In one file the later line wins, an empty one too: it takes the earlier value back. */
static struct setting *set_again(struct reader *r, const char *name, const char *value,
                                 const char *origin)
{
    for (size_t i = 0; i < r->found.count; i++) {
        struct setting *item = &r->found.items[i];
        if (strcmp(item->name, name) == 0) {
            free(item->value);
            free(item->origin);
            item->value = xstrdup(value);
            item->origin = xstrdup(origin);
            return item;
        }
    }
    return NULL;
}

static void set(struct reader *r, const char *name, const char *value, unsigned line)
{
    char *origin = xasprintf("%s line %u", r->file, line);
    struct setting *item = set_again(r, name, value, origin);

    if (item == NULL && r->found.count + r->found.unset_count == ENVFILE_NAMES_MAX) {
        errors_add(r->errors, "%s line %u: more than %d variables", r->file, line,
                   ENVFILE_NAMES_MAX);
        r->at = r->end;
    }
    if (item == NULL)
        item = settings_add(&r->found, name, value, origin);
    if (item != NULL) {
        item->in_env_file = true;
        item->has_reference = r->has_reference;
    }
    free(origin);
}

static void read_value(struct reader *r, const char *name)
{
    unsigned line = r->line;
    char *value = NULL;

    r->has_reference = false;
    skip_blanks(r);
    if (r->at < r->end && (*r->at == '\'' || *r->at == '"')) {
        value = read_quoted(r);
        if (value == NULL)
            errors_add(r->errors, "%s line %u: %s: the closing quote is missing", r->file, line,
                       name);
        else if (!at_end_of_line(r))
            errors_add(r->errors, "%s line %u: %s: only a comment may follow the closing quote",
                       r->file, r->line, name);
    } else {
        value = read_unquoted(r);
    }
    if (value != NULL)
        set(r, name, value, line);
    free(value);
}

static void skip_export(struct reader *r)
{
    static const char word[] = "export";
    size_t length = sizeof(word) - 1;

    if ((size_t)(r->end - r->at) > length && memcmp(r->at, word, length) == 0 &&
        is_blank(r->at[length])) {
        r->at += length;
        skip_blanks(r);
    }
}

static void read_line(struct reader *r)
{
    skip_blanks(r);
    if (at_newline(r) || *r->at == '#') {
        skip_line(r);
        return;
    }
    skip_export(r);
    unsigned line = r->line;
    char *name = read_name(r);
    if (name != NULL && r->at < r->end && is_blank(*r->at))
        skip_blanks(r);
    if (name != NULL && r->at < r->end && *r->at == '=') {
        r->at++;
        read_value(r, name);
    } else if (name == NULL || !at_end_of_line(r)) {
        errors_add(r->errors, "%s line %u: expected NAME=VALUE, a # comment or a blank line",
                   r->file, line);
    }
    free(name);
    skip_line(r);
}

void envfile_parse(struct settings *settings, const char *bytes, size_t length, const char *name,
                   struct errors *errors)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct reader r = {
        .at = bytes, .end = bytes + length, .line = 1, .file = name, .errors = errors};

    if (memchr(bytes, '\0', length) != NULL) {
        errors_add(errors, "%s: has a NUL byte: it isn't a text file", name);
        return;
    }
    if (length >= 3 && memcmp(bytes, byte_order_mark, 3) == 0)
        r.at += 3;
    while (r.at < r.end)
        read_line(&r);
    settings_add_all(settings, &r.found);
    settings_free(&r.found);
}

void envfile_read(struct settings *settings, const char *path, struct errors *errors)
{
    size_t length;
    char *bytes = textfile_read(path, &length, errors);

    if (bytes == NULL)
        return;
    envfile_parse(settings, bytes, length, path, errors);
    free(bytes);
}
