#ifndef LEASTJOBS_ENVFILE_H
#define LEASTJOBS_ENVFILE_H

#include <stddef.h>

#include "errors.h"
#include "settings.h"

#define ENVFILE_NAME_MAX 128
/* More than any farm needs; looking each name up among so many takes a second. */
#define ENVFILE_NAMES_MAX 20000

/*
 * Reads the bytes of a .env file in the format of docker compose: NAME=VALUE lines, `export`
 * before them, blank lines and # comments (after an unquoted value with a blank before the #),
 * 'single' quotes (literal) and "double" quotes (with \n \r \t \" \\ \$), which may span lines,
 * LF or CRLF, a byte order mark. NAME alone is left to the environment. $ isn't expanded; a value
 * where compose would expand it is marked (has_reference).
 * The later of two lines with one name wins. `name` is what messages call the file. Every line
 * that isn't understood becomes an error with its number; the others are added all the same.
 * `bytes` has `length` bytes followed by a NUL; it isn't kept.
 */
void envfile_parse(struct settings *settings, const char *bytes, size_t length, const char *name,
                   struct errors *errors);

/* The same for a file's path. */
void envfile_read(struct settings *settings, const char *path, struct errors *errors);

#endif
