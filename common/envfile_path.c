#include "envfile_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

/* NULL if there is none. */
static const char *names(const struct config_sources *sources)
{
    static const char start[] = ENVFILE_PATH_NAME "=";

    for (char *const *each = sources->environment; each != NULL && *each != NULL; each++) {
        if (strncmp(*each, start, strlen(start)) == 0)
            return *each + strlen(start);
    }
    return NULL;
}

/* One that can't be read isn't missing: reading it says why it can't. */
static bool is_missing(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

char *envfile_path(const struct config_sources *sources)
{
    if (sources->env_file != NULL)
        return xstrdup(sources->env_file);
    const char *next = names(sources);
    while (next != NULL && *next != '\0') {
        size_t length = strcspn(next, ":");
        char *path = xstrndup(next, length);
        if (length > 0 && !is_missing(path))
            return path;
        free(path);
        next += length + (next[length] == ':' ? 1 : 0);
    }
    return NULL;
}

void envfile_path_note_absence(const struct config_sources *sources, struct errors *errors)
{
    const char *files = names(sources);
    char *path = envfile_path(sources);

    if (path == NULL && files != NULL && *files != '\0')
        errors_warn(errors, ENVFILE_PATH_NAME "=\"%s\" (environment): no such file: it isn't read",
                    files);
    free(path);
}
