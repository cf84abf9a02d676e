#ifndef LEASTJOBS_ERRORS_H
#define LEASTJOBS_ERRORS_H

#include <stddef.h>
#include <stdio.h>

/*
 * What is wrong with a configuration: all of it, since a user who mends one line wants to hear
 * of the next at once. `errors` stop the program, `warnings` don't. Control
 * characters in a text are replaced. Zero-initialise it; it owns its texts, errors_free() releases
 * them.
 */
struct errors {
    char **errors;
    size_t count;
    char **warnings;
    size_t warning_count;
};

void errors_add(struct errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void errors_warn(struct errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forgets all warnings but the first `count`. */
void errors_drop_warnings(struct errors *errors, size_t count);

/* One line each, warnings first: "PROGRAM: error: …". */
void errors_print(const struct errors *errors, const char *program, FILE *stream);
void errors_free(struct errors *errors);

#endif
