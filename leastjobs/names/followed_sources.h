#ifndef LEASTJOBS_FOLLOWED_SOURCES_H
#define LEASTJOBS_FOLLOWED_SOURCES_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "errors.h"
#include "found.h"
#include "names/numbers.h"

/*
 * The names of INSTANCES_DNS and the file of INSTANCES_FILE, as a configuration has them, and whom
 * they have. When a source comes in place of another one, those of the other one are held until the
 * new one has given a good answer: a file that isn't there yet, or a name that doesn't resolve yet,
 * shall not leave the balancer without anybody.
 */
struct followed_sources;

/* `changed` is called when one of them has answered, or has a new list. */
struct followed_sources *followed_sources_new(struct event_base *base,
                                              void (*changed)(void *context), void *context);
void followed_sources_free(struct followed_sources *sources);

/*
 * Those of `config`; a new one begins with what `list` has of it. Returns whether there is a new
 * name. What is wrong with INSTANCES_FILE is added to `errors`.
 */
bool followed_sources_take(struct followed_sources *sources, const struct config *config,
                           const struct found_list *list, struct errors *errors);

/* Whether each name has been answered for, well or not. */
bool followed_sources_are_answered(const struct followed_sources *sources);

/* Whom they have, and who of `list` is held. The array is the caller's, the texts aren't. */
struct wanted *followed_sources_collect(const struct followed_sources *sources,
                                        const struct found_list *list, size_t *count);

#endif
