#ifndef LEASTJOBS_LIST_FILE_H
#define LEASTJOBS_LIST_FILE_H

#include <event2/event.h>

#include "errors.h"
#include "names/url_list.h"

/*
 * INSTANCES_FILE: it is looked at again and again, by name, and read once it has been left alone
 * for a moment (settle.h). One that is gone, or that can't be understood, changes nothing: the log
 * says why, once, and the last good list stays in force.
 */
struct list_file;

#define LIST_FILE_LOOK_MS 250

/*
 * Reads it now, with what is wrong in `errors`; one that isn't there (yet) is waited for. `changed`
 * is called when there is a new list.
 */
struct list_file *list_file_new(struct event_base *base, const char *path,
                                void (*changed)(void *context), void *context,
                                struct errors *errors);
void list_file_free(struct list_file *file);

const char *list_file_path(const struct list_file *file);

/* A URL that it had before the first good list. */
void list_file_remember(struct list_file *file, const char *url);

/* Whether it has been read well, once. */
bool list_file_is_read(const struct list_file *file);

/* Good until `changed`. */
const struct url_list *list_file_urls(const struct list_file *file);

#endif
