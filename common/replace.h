#ifndef LEASTJOBS_REPLACE_H
#define LEASTJOBS_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Writes all of them, however many calls it takes. False with errno. */
bool write_all(int fd, const char *bytes, size_t length);

/* Writes what the regular file `from` has, from its beginning, as far as it can be read. */
void write_content(int fd, int from);

/*
 * Puts a file of these bytes and this mode, whatever the umask is, into the place of `path`: it is
 * written beside it and renamed, so that readers see the old one or the new one. False with errno,
 * and nothing changed.
 */
bool replace_file(const char *path, const char *bytes, size_t length, mode_t mode);

#endif
