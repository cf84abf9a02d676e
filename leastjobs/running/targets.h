#ifndef LEASTJOBS_TARGETS_H
#define LEASTJOBS_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "running/servers.h"

/* Instances as they are named on a command line: 3 or instance3. */

/* 0 if it is none. */
unsigned target_parse(const char *word);

/*
 * Understands all words, each instance once, in their order. Returns how many go to `numbers`,
 * which has room for `count`; or 0, after a message on standard error that names what isn't known
 * and what is.
 */
size_t targets_parse(unsigned *numbers, char *const *words, size_t count,
                     const struct servers *servers, const char *program);

#endif
