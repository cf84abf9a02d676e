#include "conffile.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "options.h"
#include "xalloc.h"

#define INSTANCES_KEY "instances"
#define KEY_MAX 64
/* Longer numbers may not fit 32 bits. */
#define DIGITS_MAX 9
#define HEX_DIGITS_MAX 7
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*-"

struct reader {
    struct settings *found; /* in this file */
    struct errors *errors;
    const char *file;
};

static char *origin_of(const struct reader *r, const config_setting_t *item)
{
    return xasprintf("%s line %u", r->file, config_setting_source_line(item));
}

/* A scalar as text, or NULL where the type has no place here. */
static char *scalar_text(const config_setting_t *item)
{
    switch (config_setting_type(item)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return xasprintf("%lld", config_setting_get_int64(item));
    case CONFIG_TYPE_FLOAT:
        return xasprintf("%.15g", config_setting_get_float(item));
    case CONFIG_TYPE_STRING:
        return xstrdup(config_setting_get_string(item));
    default:
        return NULL;
    }
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* The edit distance of Levenshtein, on one row of the table. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[KEY_MAX + 1];
    size_t length = strlen(b);

    if (strlen(a) > KEY_MAX || length > KEY_MAX)
        return KEY_MAX;
    for (unsigned i = 0; i <= length; i++)
        row[i] = i;
    for (unsigned i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            unsigned above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[length];
}

static char *lower_case(const char *text)
{
    char *copy = xstrdup(text);

    for (char *c = copy; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static char *nearest_key(const char *key)
{
    char *nearest = xstrdup(INSTANCES_KEY);
    unsigned least = distance(key, nearest);

    for (size_t i = 0; i < option_count; i++) {
        char *known = lower_case(option_table[i].name);
        unsigned d = distance(key, known);
        if (d < least) {
            least = d;
            free(nearest);
            nearest = known;
        } else {
            free(known);
        }
    }
    return nearest;
}

static const struct option_info *option_for_key(const char *key)
{
    for (size_t i = 0; i < option_count; i++) {
        char *known = lower_case(option_table[i].name);
        bool same = strcmp(known, key) == 0;
        free(known);
        if (same)
            return &option_table[i];
    }
    return NULL;
}

static void unknown_key(const struct reader *r, const config_setting_t *item, const char *expected)
{
    const char *key = config_setting_name(item);

    errors_add(r->errors, "%s line %u: unknown key \"%s\": did you mean \"%s\"?", r->file,
               config_setting_source_line(item), key == NULL ? "" : key, expected);
}

static void add_scalar(const struct reader *r, const config_setting_t *item, const char *variable)
{
    char *value = scalar_text(item);
    char *origin = origin_of(r, item);

    if (value == NULL)
        errors_add(r->errors, "%s (%s): expected a number or a string in quotes", variable, origin);
    else
        settings_add(r->found, variable, value, origin);
    free(value);
    free(origin);
}

static void check_instance_keys(const struct reader *r, const config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *item = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(item);
        if (strcmp(key, "number") != 0 && strcmp(key, "url") != 0)
            unknown_key(r, item, distance(key, "number") < distance(key, "url") ? "number" : "url");
    }
}

static void read_instance(const struct reader *r, config_setting_t *group)
{
    if (config_setting_is_group(group))
        check_instance_keys(r, group);
    config_setting_t *number =
        config_setting_is_group(group) ? config_setting_get_member(group, "number") : NULL;
    config_setting_t *url =
        config_setting_is_group(group) ? config_setting_get_member(group, "url") : NULL;
    if (number == NULL || url == NULL || config_setting_type(number) != CONFIG_TYPE_INT) {
        errors_add(r->errors, "%s line %u: expected { number = N; url = \"http://…\"; }", r->file,
                   config_setting_source_line(group));
        return;
    }
    int n = config_setting_get_int(number);
    if (n < 1 || n > INSTANCE_NUMBER_MAX) {
        errors_add(r->errors, "%s line %u: number = %d: out of range: from 1 to %d", r->file,
                   config_setting_source_line(number), n, INSTANCE_NUMBER_MAX);
        return;
    }
    char *variable = xasprintf("INSTANCE_%d_URL", n);
    const struct setting *earlier = settings_find(r->found, variable);
    if (earlier != NULL)
        errors_add(r->errors, "%s line %u: instance number %d is used already (%s)", r->file,
                   config_setting_source_line(number), n, earlier->origin);
    add_scalar(r, url, variable);
    free(variable);
}

static void read_instances(const struct reader *r, config_setting_t *list)
{
    if (!config_setting_is_list(list)) {
        errors_add(r->errors,
                   "%s line %u: " INSTANCES_KEY
                   ": expected a list ( { number = N; url = \"…\"; }, … )",
                   r->file, config_setting_source_line(list));
        return;
    }
    for (int i = 0; i < config_setting_length(list); i++)
        read_instance(r, config_setting_get_elem(list, (unsigned)i));
}

static void read_item(const struct reader *r, config_setting_t *item)
{
    const char *key = config_setting_name(item);
    const struct option_info *option = option_for_key(key);

    if (strcmp(key, INSTANCES_KEY) == 0) {
        read_instances(r, item);
    } else if (option != NULL) {
        add_scalar(r, item, option->name);
    } else {
        char *nearest = nearest_key(key);
        unknown_key(r, item, nearest);
        free(nearest);
    }
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
    }
    return *at == '\0' ? at : at + 1;
}

static const char *skip_comment(const char *at)
{
    if (*at == '#' || at[1] == '/')
        return at + strcspn(at, "\n");
    const char *end = strstr(at + 2, "*/");
    return end == NULL ? at + strlen(at) : end + 2;
}

static const char *skip_number(const char *at, bool *too_large)
{
    bool is_hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    const char *start = is_hex ? at + 2 : at;
    size_t digits = strspn(start, is_hex ? "0123456789abcdefABCDEF" : "0123456789");

    /* With an L behind them they are of 64 bits. */
    *too_large = digits > (is_hex ? HEX_DIGITS_MAX : DIGITS_MAX) && start[digits] != 'L';
    return start + digits;
}

static const char *skip_token(const char *at, bool *too_large)
{
    *too_large = false;
    if (*at == '"')
        return skip_string(at);
    if (*at == '#' || (*at == '/' && (at[1] == '/' || at[1] == '*')))
        return skip_comment(at);
    if (isdigit((unsigned char)*at))
        return skip_number(at, too_large);
    size_t name = 0;
    if (isalpha((unsigned char)*at) || *at == '*')
        name = strspn(at, NAME_CHARACTERS);
    return at + (name > 0 ? name : 1);
}

/* What libconfig does without a word: read another file, cut a number down to 32 bits. */
static bool check_text(const struct reader *r, const char *text)
{
    unsigned line = 1;

    while (*text != '\0') {
        bool too_large;
        const char *next = skip_token(text, &too_large);
        if (too_large || *text == '@') {
            errors_add(r->errors, "%s line %u: %s", r->file, line,
                       too_large ? "the number is too large" : "@include isn't supported");
            return false;
        }
        for (; text < next; text++)
            line += *text == '\n';
    }
    return true;
}

void conffile_parse(struct settings *settings, const char *text, const char *name,
                    struct errors *errors)
{
    struct settings found = {0};
    struct reader r = {.found = &found, .errors = errors, .file = name};
    config_t parser;

    if (!check_text(&r, text))
        return;
    config_init(&parser);
    if (config_read_string(&parser, text) != CONFIG_TRUE) {
        errors_add(errors, "%s line %d: %s", name, config_error_line(&parser),
                   config_error_text(&parser));
    } else {
        config_setting_t *root = config_root_setting(&parser);
        for (int i = 0; i < config_setting_length(root); i++)
            read_item(&r, config_setting_get_elem(root, (unsigned)i));
    }
    config_destroy(&parser);
    settings_add_all(settings, &found);
    settings_free(&found);
}

void conffile_read(struct settings *settings, const char *path, struct errors *errors)
{
    size_t length;
    char *bytes = settings_read_file(path, &length, errors);

    if (bytes == NULL)
        return;
    if (strlen(bytes) != length)
        errors_add(errors, "%s: has a NUL byte: it isn't a text file", path);
    else
        conffile_parse(settings, bytes, path, errors);
    free(bytes);
}
