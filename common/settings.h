#ifndef LEASTJOBS_SETTINGS_H
#define LEASTJOBS_SETTINGS_H

#include <stddef.h>

#include "errors.h"

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

/* Adds the error `NAME="VALUE" (ORIGIN): PROBLEM`, of an endless value its beginning. */
void settings_reject(struct errors *errors, const struct setting *setting, const char *problem);

void settings_free(struct settings *settings);

#endif
