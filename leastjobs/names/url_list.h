#ifndef LEASTJOBS_URL_LIST_H
#define LEASTJOBS_URL_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"

/* URLs of instances (as struct url's text), each once, in the order in which they came. Zero-
 * initialise it; it owns its texts. Pure. */
struct url_list {
    char **urls;
    size_t count;
};

void url_list_free(struct url_list *list);
void url_list_add(struct url_list *list, const char *url);
bool url_list_is_same(const struct url_list *a, const struct url_list *b);

/*
 * Understands the bytes of a file of URLs (INSTANCES_FILE): one a line, as INSTANCE_N_URL has them;
 * blank lines and what follows a # are passed over, blanks around a URL and a CR at the end too, so
 * are a byte order mark and a URL that was there before. At most INSTANCES_MAX. `name` is what
 * messages call the file: every line that isn't understood becomes an error with its number, and
 * the list is of no use then. `bytes` has `length` bytes and a NUL.
 */
void url_list_parse(struct url_list *list, const char *bytes, size_t length, const char *name,
                    struct errors *errors);

#endif
