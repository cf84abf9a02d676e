#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include <stddef.h>

/* An array twice as large, for the caller to free(); `room` counts its elements. Never NULL. */
void *memory_grow(void *array, unsigned *room, size_t size);

/* calloc(3), but never NULL. */
void *memory_new(size_t count, size_t size);

#endif
