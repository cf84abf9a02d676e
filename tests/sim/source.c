#include "source.h"

#include <string.h>

enum { PATTERN_PERIOD = 251, PATTERN_BYTES = PATTERN_PERIOD * 256, FILL_BYTES = 64 * 1024 };

#define CHUNK_START "10000\r\n" /* FILL_BYTES in hex */
#define CHUNK_END "\r\n"
enum { CHUNK_BYTES = FILL_BYTES + sizeof CHUNK_START - 1 + sizeof CHUNK_END - 1 };

static char pattern_table[PATTERN_BYTES];
static char bracket_table[FILL_BYTES];
static char chunk_table[CHUNK_BYTES]; /* the letters are in its middle */

void source_setup(void)
{
    for (size_t i = 0; i < sizeof pattern_table; i++) {
        pattern_table[i] = (char)(unsigned char)((i * 31 + 7) % PATTERN_PERIOD);
    }
    memset(bracket_table, '[', sizeof bracket_table);
    memset(chunk_table, 'x', sizeof chunk_table);
    memcpy(chunk_table, CHUNK_START, sizeof CHUNK_START - 1);
    memcpy(chunk_table + sizeof chunk_table - (sizeof CHUNK_END - 1), CHUNK_END,
           sizeof CHUNK_END - 1);
}

struct source source_pattern(uint64_t len)
{
    return (struct source){pattern_table, sizeof pattern_table, PATTERN_PERIOD, 0, len};
}

struct source source_letters(uint64_t len)
{
    return (struct source){chunk_table + sizeof CHUNK_START - 1, FILL_BYTES, 1, 0, len};
}

struct source source_brackets(uint64_t len)
{
    return (struct source){bracket_table, sizeof bracket_table, 1, 0, len};
}

struct source source_chunks(void)
{
    return (struct source){chunk_table, sizeof chunk_table, sizeof chunk_table, 0, SOURCE_ENDLESS};
}

size_t source_peek(const struct source *source, const char **bytes)
{
    if (source->at == source->len) {
        return 0;
    }
    size_t offset = (size_t)(source->at % source->period);
    size_t len = source->table_len - offset;
    if (len > source->len - source->at) {
        len = (size_t)(source->len - source->at);
    }
    *bytes = source->table + offset;
    return len;
}
