#ifndef LEASTJOBS_SETTINGS_H
#define LEASTJOBS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"

/* The largest .env or configuration file that is read. */
#define SETTINGS_FILE_MAX (1024 * 1024)

/*
 * Values as text, before any of them is understood, each with where it came from ("environment",
 * ".env line 3"), which error messages repeat. Variables that aren't ours are kept too: .env
 * files are shared with other programs. Zero-initialise it; it owns its texts.
 */
struct setting {
    char *name;
    char *value;
    char *origin;
};

struct settings {
    struct setting *items;
    size_t count;
};

/*
 * Adds a value unless it is empty (an empty value counts as unset: docker compose passes unset
 * variables that way) or the name is there already: sources are read in order of precedence.
 * Copies its arguments.
 */
void settings_add(struct settings *settings, const char *name, const char *value,
                  const char *origin);
/* The same for each value of another source. */
void settings_add_all(struct settings *settings, const struct settings *source);
const struct setting *settings_find(const struct settings *settings, const char *name);

/* The process environment (`environment` is environ(7), which isn't changed). */
void settings_read_environment(struct settings *settings, char *const *environment);

/*
 * Reads a whole file of at most SETTINGS_FILE_MAX bytes. Returns its bytes, ended by a NUL that
 * isn't counted in *length, for the caller to free(); or NULL with an error that names the file.
 */
char *settings_read_file(const char *path, size_t *length, struct errors *errors);

/* Whether a path is a file, not a directory, that this process may read. */
bool settings_is_readable(const char *path);

void settings_free(struct settings *settings);

#endif
