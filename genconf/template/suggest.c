#include "template/suggest.h"

#include <string.h>

#define NAME_MAX_LENGTH 64
/* One edit is always near, and so is one in three characters. */
#define EDITS_SHARE 3

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* The edit distance of Levenshtein, on one row of the table. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LENGTH + 1];
    size_t length = strlen(b);

    for (unsigned i = 0; i <= length; i++)
        row[i] = i;
    for (unsigned i = 0; a[i] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            unsigned above = row[j + 1];
            row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[length];
}

struct suggestion suggestion_for(const char *text)
{
    return (struct suggestion){.text = text, .distance = 2 + (unsigned)strlen(text) / EDITS_SHARE};
}

void suggestion_try(struct suggestion *suggestion, const char *name)
{
    if (strlen(suggestion->text) > NAME_MAX_LENGTH || strlen(name) > NAME_MAX_LENGTH)
        return;
    unsigned edits = distance(suggestion->text, name);
    if (edits >= suggestion->distance)
        return;
    suggestion->distance = edits;
    suggestion->best = name;
}
