#ifndef LEASTJOBS_FOUND_H
#define LEASTJOBS_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "errors.h"

/*
 * The instances that no INSTANCE_N_URL names: those that `leastjobs run` has found by INSTANCES_DNS
 * and INSTANCES_FILE. It writes them to a file beside HAPROXY_SOCKET (names.h), genconf and the
 * agent read them there, and after a restart it knows by it which number is whose:
 *
 *     # Written by leastjobs run. …
 *     N URL ORIGIN
 *     N URL ORIGIN leaving SECONDS
 *
 * ORIGIN is the URL of INSTANCES_DNS or the path of INSTANCES_FILE; SECONDS, since 1970, is when
 * neither had the instance any more.
 */
struct found {
    unsigned number;
    char *url; /* as struct url's text */
    char *origin;
    int64_t left_s; /* wall clock; 0: it is there */
};

/* In the order of their numbers. Zero-initialise it; it owns its texts. */
struct found_list {
    struct found *items;
    size_t count;
};

/* Adds one behind the others; the texts are copied. */
void found_add(struct found_list *list, const struct found *found);
void found_copy(struct found_list *copy, const struct found_list *list);
void found_sort(struct found_list *list);
void found_free(struct found_list *list);

/*
 * Understands the bytes of such a file, which `name` is in messages. Every line that isn't
 * understood becomes an error with its number, and so does a number or a URL that was there before;
 * the others are added all the same. `bytes` has `length` bytes and a NUL.
 */
void found_parse(struct found_list *list, char *bytes, size_t length, const char *name,
                 struct errors *errors);

/* The bytes of such a file, the caller's to free(). */
char *found_format(const struct found_list *list);

/* Where the file is. The caller's to free(). */
char *found_path(const struct config *config);

/* Reads the file; one that isn't there is an empty list, and *is_there then false. */
void found_read(struct found_list *list, const struct config *config, bool *is_there,
                struct errors *errors);

/*
 * Puts the file there, with its folder if need be. False with errno; EFBIG: longer than
 * TEXTFILE_MAX, so that nobody could read it.
 */
bool found_write(const struct found_list *list, const struct config *config);

/* Warns if there may be such instances, but nobody has written the file. */
void found_warn_of_nobody(const struct config *config, struct errors *errors);

/*
 * Adds the file's instances to those of `config`, which must be in the order of their numbers, and
 * are so afterwards: all but those with a number or a URL that is there already. Where neither
 * INSTANCES_DNS nor INSTANCES_FILE is set (any more) these are those that are leaving, and what is
 * wrong with the file is nobody's matter.
 */
void found_join(struct config *config, struct errors *errors);

#endif
