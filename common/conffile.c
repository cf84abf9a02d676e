#include "conffile.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conffile_check.h"
#include "config.h"
#include "nearest.h"
#include "options.h"
#include "textfile.h"
#include "xalloc.h"

#define INSTANCES_KEY "instances"
#define INSTANCES_NAME "INSTANCES"
#define NUMBER_NAME "NUMBER"
/* More than an instance may have. */
#define INSTANCE_KEYS_MAX 32

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

static char *change_case(const char *text, int change(int))
{
    char *copy = xstrdup(text);

    for (char *c = copy; *c != '\0'; c++)
        *c = (char)change((unsigned char)*c);
    return copy;
}

/* In lower case; the caller frees it. */
static char *nearest_key(const char *key)
{
    const char **names = xcalloc(option_count + 1, sizeof(*names));
    char *name = change_case(key, toupper);

    names[0] = INSTANCES_NAME;
    for (size_t i = 0; i < option_count; i++)
        names[i + 1] = option_table[i].name;
    char *nearest = change_case(nearest_of(name, names, option_count + 1), tolower);
    free(name);
    free(names);
    return nearest;
}

static const struct option_info *option_for_key(const char *key)
{
    char *name = change_case(key, toupper);
    char *known = change_case(key, tolower);
    const struct option_info *option = strcmp(known, key) == 0 ? option_find(name) : NULL;

    free(name);
    free(known);
    return option;
}

/* One edit, or one more for each three characters; apart from case. */
static bool is_near(const char *key, const char *expected)
{
    char *folded = change_case(key, tolower);
    unsigned distance = nearest_distance(folded, expected);

    free(folded);
    return distance < 2 + strlen(expected) / 3;
}

static void unknown_key(const struct reader *r, const config_setting_t *item, const char *expected)
{
    const char *key = config_setting_name(item);
    char *hint = is_near(key, expected) ? xasprintf("did you mean \"%s\"?", expected)
                                        : xstrdup("see leastjobs.conf(5) for those that there are");

    errors_add(r->errors, "%s line %u: unknown key \"%s\": %s", r->file,
               config_setting_source_line(item), key, hint);
    free(hint);
}

/* instance_1_url and the like, a variable's name where the list is meant. */
static bool is_of_instance(const char *key)
{
    return strncasecmp(key, "instance", strlen("instance")) == 0 && strpbrk(key, "0123456789");
}

static void add_scalar(const struct reader *r, const config_setting_t *item, const char *variable)
{
    const struct option_info *option = option_find(variable);
    char *value = scalar_text(item);
    char *origin = origin_of(r, item);

    if (value == NULL)
        errors_add(r->errors, "%s (%s): expected %s in quotes", variable, origin,
                   option != NULL && option->type == OPTION_FLAG ? "\"yes\" or \"no\""
                                                                 : "a number or a string");
    else
        settings_add(r->found, variable, value, origin);
    free(value);
    free(origin);
}

/* What a key of an instance's group means; NULL: nothing. */
static const struct option_info *option_for_instance_key(const char *key)
{
    const struct option_info *option;

    for (size_t i = 0; (option = option_for_instance(i)) != NULL; i++) {
        char *known = change_case(option_instance_name(option), tolower);
        bool is_it = strcmp(known, key) == 0;
        free(known);
        if (is_it)
            return option;
    }
    return NULL;
}

/* In lower case; the caller frees it. */
static char *nearest_instance_key(const char *key)
{
    const char *names[INSTANCE_KEYS_MAX] = {NUMBER_NAME};
    size_t count = 1;
    char *name = change_case(key, toupper);
    const struct option_info *option;

    for (size_t i = 0; count < INSTANCE_KEYS_MAX && (option = option_for_instance(i)) != NULL; i++)
        names[count++] = option_instance_name(option);
    char *nearest = change_case(nearest_of(name, names, count), tolower);
    free(name);
    return nearest;
}

static void read_instance_keys(const struct reader *r, const config_setting_t *group, int number)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *item = config_setting_get_elem(group, (unsigned)i);
        const struct option_info *option = option_for_instance_key(config_setting_name(item));
        if (option == NULL)
            continue;
        char *variable = xasprintf("INSTANCE_%d_%s", number, option_instance_name(option));
        add_scalar(r, item, variable);
        free(variable);
    }
}

static void check_instance_keys(const struct reader *r, const config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *item = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(item);
        if (strcmp(key, "number") == 0 || option_for_instance_key(key) != NULL)
            continue;
        char *nearest = nearest_instance_key(key);
        unknown_key(r, item, nearest);
        free(nearest);
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
    read_instance_keys(r, group, n);
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
    } else if (is_of_instance(key)) {
        errors_add(r->errors,
                   "%s line %u: unknown key \"%s\": instances are a list: " INSTANCES_KEY
                   " = ( { number = N; url = \"http://…\"; }, … );",
                   r->file, config_setting_source_line(item), key);
    } else {
        char *nearest = nearest_key(key);
        unknown_key(r, item, nearest);
        free(nearest);
    }
}

void conffile_parse(struct settings *settings, const char *text, const char *name,
                    struct errors *errors)
{
    struct settings found = {0};
    struct reader r = {.found = &found, .errors = errors, .file = name};
    config_t parser;

    if (!conffile_check(text, name, errors))
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
    char *bytes = textfile_read(path, &length, errors);

    if (bytes == NULL)
        return;
    if (strlen(bytes) != length)
        errors_add(errors, "%s: has a NUL byte: it isn't a text file", path);
    else
        conffile_parse(settings, bytes, path, errors);
    free(bytes);
}
