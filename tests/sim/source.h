/* Bodies of any size that are generated as they are sent. All come from fixed tables, so that
 * nothing is copied: a source is a position in a table that repeats itself. */
#ifndef SIM_SOURCE_H
#define SIM_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#define SOURCE_ENDLESS UINT64_MAX

struct source {
    const char *table;
    size_t table_len; /* a multiple of the period */
    size_t period;
    uint64_t at, len; /* bytes sent, and in all */
};

/* Fills the tables; once, before anything else. */
void source_setup(void);

/* len bytes, byte i is (i * 31 + 7) % 251. */
struct source source_pattern(uint64_t len);

/* len times the letter x. */
struct source source_letters(uint64_t len);

/* len opening brackets. */
struct source source_brackets(uint64_t len);

/* HTTP chunks full of the letter x, without end. */
struct source source_chunks(void);

/* The bytes to send next, as many as lie together. Returns their number; 0: all are sent. */
size_t source_peek(const struct source *source, const char **bytes);

#endif
