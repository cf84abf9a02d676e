#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

void *memory_grow(void *array, unsigned *room, size_t size)
{
    *room = *room ? 2 * *room : 16;
    void *grown = realloc(array, *room * size);
    if (!grown) {
        fprintf(stderr, "leastjobs-model: out of memory\n");
        abort();
    }
    return grown;
}

void *memory_new(size_t count, size_t size)
{
    void *array = calloc(count, size);
    if (!array) {
        fprintf(stderr, "leastjobs-model: out of memory\n");
        abort();
    }
    return array;
}
