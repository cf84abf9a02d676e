#include "sources/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "printable.h"
#include "sources/source_json.h"

static const struct source *const source_table[] = {
    &source_json,
};

const struct source *source_find(const char *name)
{
    for (size_t i = 0; i < sizeof(source_table) / sizeof(source_table[0]); i++) {
        if (strcmp(source_table[i]->name, name) == 0)
            return source_table[i];
    }
    return NULL;
}

struct source_reading source_failed(enum source_outcome outcome, const char *format, ...)
{
    struct source_reading reading = {.outcome = outcome};
    va_list arguments;

    va_start(arguments, format);
    printable_format(reading.detail, sizeof(reading.detail), format, arguments);
    va_end(arguments);
    return reading;
}
