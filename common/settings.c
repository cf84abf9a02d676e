#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define SHOWN_VALUE_MAX 200

static void add_unset(struct settings *settings, const char *name)
{
    settings->unset =
        xreallocarray(settings->unset, settings->unset_count + 1, sizeof(*settings->unset));
    settings->unset[settings->unset_count++] = xstrdup(name);
}

struct setting *settings_add(struct settings *settings, const char *name, const char *value,
                             const char *origin)
{
    if (value[0] == '\0')
        add_unset(settings, name);
    if (value[0] == '\0' || settings_find(settings, name) != NULL)
        return NULL;
    settings->items = xreallocarray(settings->items, settings->count + 1, sizeof(*settings->items));
    struct setting *added = &settings->items[settings->count++];
    *added = (struct setting){
        .name = xstrdup(name),
        .value = xstrdup(value),
        .origin = xstrdup(origin),
    };
    return added;
}

void settings_add_all(struct settings *settings, const struct settings *source)
{
    for (size_t i = 0; i < source->count; i++) {
        const struct setting *item = &source->items[i];
        struct setting *added = settings_add(settings, item->name, item->value, item->origin);
        if (added == NULL)
            continue;
        added->in_env_file = item->in_env_file;
        added->has_reference = item->has_reference;
    }
    for (size_t i = 0; i < source->unset_count; i++)
        add_unset(settings, source->unset[i]);
}

const struct setting *settings_find(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].name, name) == 0)
            return &settings->items[i];
    }
    return NULL;
}

bool settings_mention(const struct settings *settings, const char *name)
{
    if (settings_find(settings, name) != NULL)
        return true;
    for (size_t i = 0; i < settings->unset_count; i++) {
        if (strcmp(settings->unset[i], name) == 0)
            return true;
    }
    return false;
}

void settings_read_environment(struct settings *settings, char *const *environment)
{
    for (; *environment != NULL; environment++) {
        const char *equals = strchr(*environment, '=');
        if (equals == NULL)
            continue;
        char *name = xstrndup(*environment, (size_t)(equals - *environment));
        settings_add(settings, name, equals + 1, "environment");
        free(name);
    }
}

/* A value as a message may show it: no control characters, no end of the screen. */
static char *shown(const char *value)
{
    char *text = xstrndup(value, SHOWN_VALUE_MAX);

    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    return text;
}

void settings_reject(struct errors *errors, const struct setting *setting, const char *problem)
{
    char *text = shown(setting->value);

    errors_add(errors, "%s=\"%s\" (%s): %s", setting->name, text, setting->origin, problem);
    free(text);
}

const char *settings_reference_problem(const struct setting *setting)
{
    if (!setting->has_reference)
        return NULL;
    return "$ stands for itself here, other than in docker compose: write the value, or set the "
           "variable in the environment";
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i].name);
        free(settings->items[i].value);
        free(settings->items[i].origin);
    }
    for (size_t i = 0; i < settings->unset_count; i++)
        free(settings->unset[i]);
    free(settings->unset);
    free(settings->items);
    *settings = (struct settings){0};
}
