#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xalloc.h"

void settings_add(struct settings *settings, const char *name, const char *value,
                  const char *origin)
{
    if (value[0] == '\0' || settings_find(settings, name) != NULL)
        return;
    settings->items = xreallocarray(settings->items, settings->count + 1, sizeof(*settings->items));
    settings->items[settings->count++] = (struct setting){
        .name = xstrdup(name),
        .value = xstrdup(value),
        .origin = xstrdup(origin),
    };
}

void settings_add_all(struct settings *settings, const struct settings *source)
{
    for (size_t i = 0; i < source->count; i++)
        settings_add(settings, source->items[i].name, source->items[i].value,
                     source->items[i].origin);
}

const struct setting *settings_find(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->items[i].name, name) == 0)
            return &settings->items[i];
    }
    return NULL;
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

char *settings_read_file(const char *path, size_t *length, struct errors *errors)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        errors_add(errors, "%s: can't be read: %s", path, strerror(errno));
        return NULL;
    }
    char *bytes = xcalloc(1, SETTINGS_FILE_MAX + 2);
    *length = fread(bytes, 1, SETTINGS_FILE_MAX + 1, file);
    if (ferror(file)) {
        errors_add(errors, "%s: can't be read: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else if (*length > SETTINGS_FILE_MAX) {
        errors_add(errors, "%s: larger than %d bytes", path, SETTINGS_FILE_MAX);
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

bool settings_is_readable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode) && access(path, R_OK) == 0;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i].name);
        free(settings->items[i].value);
        free(settings->items[i].origin);
    }
    free(settings->items);
    *settings = (struct settings){0};
}
