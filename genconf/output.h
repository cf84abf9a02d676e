#ifndef LEASTJOBS_OUTPUT_H
#define LEASTJOBS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Puts `length` bytes where the user wants them: at `path` (NULL or "-": standard output). A file
 * is written beside its place, with mode 0644, and renamed: readers see the old or the new one,
 * never half of it. With `check`, `haproxy -c` must accept it first, else nothing is written.
 * Returns 0, or 1 after a message on standard error that begins with `program`.
 */
int output_write(const char *program, const char *path, const char *bytes, size_t length,
                 bool check);

/*
 * Has HAProxy check it, and writes it nowhere that lasts. Returns 0, or 1 after HAProxy's messages.
 * What it says of a good one is repeated without the lines that have `ignored` in them.
 */
int output_test(const char *program, const char *bytes, size_t length, const char *ignored);

#endif
