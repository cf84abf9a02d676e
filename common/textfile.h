#ifndef LEASTJOBS_TEXTFILE_H
#define LEASTJOBS_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"

/* The largest .env, configuration or other file that is read. */
#define TEXTFILE_MAX (1024 * 1024)
/* Of a pipe ("--env-file <(command)") somebody must have the other end within that time. */
#define TEXTFILE_WRITER_MS 1000

/*
 * Reads a whole file of at most TEXTFILE_MAX bytes. Returns its bytes, ended by a NUL that
 * isn't counted in *length, for the caller to free(); or NULL with an error that names the file.
 */
char *textfile_read(const char *path, size_t *length, struct errors *errors);

/* Whether a path is a file, not a directory, that this process may read. */
bool textfile_is_readable(const char *path);

#endif
