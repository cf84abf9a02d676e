#ifndef LEASTJOBS_LIST_H
#define LEASTJOBS_LIST_H

#include <stddef.h>

/*
 * Lists as variables have them: parts separated by commas. Takes the first part off `*list` and
 * returns it, `*length` bytes that no NUL ends; NULL if none is left. NULL is an empty list, and a
 * comma at the end has no part behind it.
 */
const char *list_take(const char **list, size_t *length);

/* How many parts there are. */
size_t list_count(const char *list);

#endif
