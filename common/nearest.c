#include "nearest.h"

#include <string.h>

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Rows of the table, of which the two before the current one are needed. */
struct rows {
    unsigned before[NEAREST_NAME_MAX + 1];
    unsigned last[NEAREST_NAME_MAX + 1];
    unsigned now[NEAREST_NAME_MAX + 1];
};

/* The row of the character a[i]. */
static void fill_row(struct rows *rows, const char *a, size_t i, const char *b, size_t length)
{
    rows->now[0] = (unsigned)i + 1;
    for (size_t j = 0; j < length; j++) {
        unsigned least = smaller(rows->last[j + 1], rows->now[j]) + 1;
        least = smaller(least, rows->last[j] + (a[i] != b[j]));
        if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
            least = smaller(least, rows->before[j - 1] + 1);
        rows->now[j + 1] = least;
    }
    memcpy(rows->before, rows->last, sizeof(rows->last));
    memcpy(rows->last, rows->now, sizeof(rows->now));
}

unsigned nearest_distance(const char *a, const char *b)
{
    struct rows rows = {0};
    size_t length = strlen(b);

    if (strlen(a) > NEAREST_NAME_MAX || length > NEAREST_NAME_MAX)
        return NEAREST_NAME_MAX;
    for (unsigned j = 0; j <= length; j++)
        rows.last[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++)
        fill_row(&rows, a, i, b, length);
    return rows.last[length];
}

const char *nearest_of(const char *name, const char *const *names, size_t count)
{
    const char *nearest = names[0];
    unsigned least = nearest_distance(name, nearest);

    for (size_t i = 1; i < count; i++) {
        unsigned distance = nearest_distance(name, names[i]);
        if (distance < least) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
