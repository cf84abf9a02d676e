#ifndef LEASTJOBS_SETTINGS_H
#define LEASTJOBS_SETTINGS_H

#include <stdbool.h>
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
    bool in_env_file;
    bool has_reference; /* $X or ${X} of a .env file, which compose would expand and we don't */
};

struct settings {
    struct setting *items;
    size_t count;
    char **unset; /* names that stood there with an empty value, some of them with one elsewhere */
    size_t unset_count;
    bool is_cut_short; /* a file couldn't be read, or not all of it: nobody knows what it has */
};

/*
 * Adds a value unless it is empty (an empty value counts as unset: docker compose passes unset
 * variables that way) or the name is there already: sources are read in order of precedence.
 * Of an empty one the name is kept. Copies its arguments. Returns what was added, good until the
 * next call, or NULL.
 */
struct setting *settings_add(struct settings *settings, const char *name, const char *value,
                             const char *origin);
/* The same for each value of another source. */
void settings_add_all(struct settings *settings, const struct settings *source);
const struct setting *settings_find(const struct settings *settings, const char *name);

/* Whether a name stood anywhere, with a value or with an empty one. */
bool settings_mention(const struct settings *settings, const char *name);

/* The process environment (`environment` is environ(7), which isn't changed). */
void settings_read_environment(struct settings *settings, char *const *environment);

/* Adds the error `NAME="VALUE" (ORIGIN): PROBLEM`, of an endless value its beginning. */
void settings_reject(struct errors *errors, const struct setting *setting, const char *problem);

/* What is wrong with a value that has a reference, NULL if it has none. Static. */
const char *settings_reference_problem(const struct setting *setting);

void settings_free(struct settings *settings);

#endif
