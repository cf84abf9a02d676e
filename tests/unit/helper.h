#ifndef LEASTJOBS_UNIT_HELPER_H
#define LEASTJOBS_UNIT_HELPER_H

/* What all unit tests include. cmocka.h wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An assertion in a table's loop: says which case it was. */
#define assert_case(name, condition)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("case \"%s\": %s", name, #condition);                                         \
    } while (0)

#define assert_case_text(name, text, expected)                                                     \
    do {                                                                                           \
        if (strcmp(text, expected) != 0)                                                           \
            fail_msg("case \"%s\": %s is \"%s\", not \"%s\"", name, #text, text, expected);        \
    } while (0)

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr(text, part) == NULL)                                                            \
            fail_msg("\"%s\" isn't in \"%s\"", part, text);                                        \
    } while (0)

/* The bytes and not one more: what reads past them is seen by ASan and valgrind. */
static inline char *exact_copy(const char *bytes, size_t length)
{
    char *copy = malloc(length == 0 ? 1 : length);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    return copy;
}

static inline bool errors_have(const struct errors *errors, const char *part)
{
    for (size_t i = 0; i < errors->count; i++) {
        if (strstr(errors->errors[i], part) != NULL)
            return true;
    }
    return false;
}

static inline bool warnings_have(const struct errors *errors, const char *part)
{
    for (size_t i = 0; i < errors->warning_count; i++) {
        if (strstr(errors->warnings[i], part) != NULL)
            return true;
    }
    return false;
}

static inline void assert_no_errors(const struct errors *errors)
{
    if (errors->count > 0)
        fail_msg("unexpected error: %s", errors->errors[0]);
}

static inline void assert_error(const struct errors *errors, const char *part)
{
    if (!errors_have(errors, part))
        fail_msg("no error has \"%s\" in it; the first of %zu is: %s", part, errors->count,
                 errors->count == 0 ? "none" : errors->errors[0]);
}

#endif
