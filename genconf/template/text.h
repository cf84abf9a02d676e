#ifndef LEASTJOBS_TEXT_H
#define LEASTJOBS_TEXT_H

#include <stddef.h>

/*
 * Bytes that grow at their end. Zero-initialise it; it owns the bytes, text_free() releases them.
 * `bytes` is NULL as long as nothing was put; afterwards a NUL follows that isn't counted.
 */
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
};

void text_put(struct text *text, const char *bytes, size_t length);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);

#endif
