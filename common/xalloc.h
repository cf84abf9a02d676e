#ifndef LEASTJOBS_XALLOC_H
#define LEASTJOBS_XALLOC_H

#include <stddef.h>

/*
 * Allocation that can't fail: when memory is out these print one line to stderr and end the
 * process with status 1, as a small daemon under a supervisor should. The caller owns what
 * they return and releases it with free().
 */
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);

/* `memory` that somebody else's function gave, unless that is NULL. */
void *xalloc_checked(void *memory);

/* Like asprintf(3). */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
