#include "list.h"

#include <string.h>

const char *list_take(const char **list, size_t *length)
{
    const char *part = *list;

    if (part == NULL || *part == '\0')
        return NULL;
    *length = strcspn(part, ",");
    *list += *length + (part[*length] == ',');
    return part;
}

size_t list_count(const char *list)
{
    size_t count = 0;
    size_t length;

    while (list_take(&list, &length) != NULL)
        count++;
    return count;
}
