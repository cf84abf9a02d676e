#ifndef LEASTJOBS_HAPROXY_CHECK_H
#define LEASTJOBS_HAPROXY_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs `haproxy -c` on the file at `path`, which has these bytes. Its messages go to standard
 * error; they name lines of a file that is gone soon, so that each such line follows them. Returns
 * whether HAProxy accepts it; if it can't be run, or refuses it, `program` has said so on standard
 * error.
 */
bool haproxy_check(const char *program, char *path, const char *bytes, size_t length);

/*
 * The same for a file that is good for nothing else: of what HAProxy says of one that it accepts,
 * only warnings are repeated, and those with `ignored` in them aren't.
 */
bool haproxy_test(const char *program, char *path, const char *bytes, size_t length,
                  const char *ignored);

#endif
