#include "pointer_hint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "grammar.h"

#define PROBLEM_MAX 1024

/*
 * A part of a list as a pointer: one that doesn't begin with "/" is a path of names with dots
 * between them, or "$.a" of JSONPath, or "#/a" of URIs. `mended` has room for one byte more.
 */
static size_t mend_pointer(const char *part, size_t length, char *mended)
{
    size_t used = 0;
    size_t skipped = 0;

    /* Blanks around a comma are another part of no list. */
    for (; length > 0 && *part == ' '; part++)
        length--;
    while (length > 0 && part[length - 1] == ' ')
        length--;
    if (strncmp(part, "$.", 2) == 0)
        skipped = 2;
    else if (strncmp(part, "#/", 2) == 0)
        skipped = 1;
    bool is_path = length > skipped && part[skipped] != '/';
    if (is_path)
        mended[used++] = '/';
    for (size_t i = skipped; i < length; i++)
        mended[used++] = (char)(is_path && part[i] == '.' ? '/' : part[i]);
    return used;
}

/* The pointers that were meant. `mended` has twice the room of `value`. */
static void mend_pointers(const char *value, char *mended)
{
    while (*value != '\0') {
        size_t length = strcspn(value, ",+");
        mended += mend_pointer(value, length, mended);
        value += length;
        if (*value != '\0')
            *mended++ = *value++;
    }
    *mended = '\0';
}

const char *pointer_hint(const char *value, const char *problem_of(const char *),
                         const char *expected)
{
    static char problem_text[PROBLEM_MAX];
    char mended[2 * GRAMMAR_MEMBER_MAX];

    if (strlen(value) >= GRAMMAR_MEMBER_MAX)
        return expected;
    mend_pointers(value, mended);
    if (problem_of(mended) != NULL)
        return expected;
    snprintf(problem_text, sizeof(problem_text), "%s: did you mean %s?", expected, mended);
    return problem_text;
}
