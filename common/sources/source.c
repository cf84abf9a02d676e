#include "sources/source.h"

#include <stdarg.h>
#include <stdio.h>

#include "printable.h"

struct source_reading source_failed(enum source_outcome outcome, const char *format, ...)
{
    struct source_reading reading = {.outcome = outcome};
    va_list arguments;

    va_start(arguments, format);
    printable_format(reading.detail, sizeof(reading.detail), format, arguments);
    va_end(arguments);
    return reading;
}

struct source_reading source_counted(double value, const char *name, size_t length)
{
    /* Written so that NaN fails too. */
    if (!(value >= 0 && value <= JOBS_MAX) || (double)(unsigned)value != value)
        return source_failed(SOURCE_BAD_COUNT, "%.*s is %g", (int)length, name, value);
    return (struct source_reading){.outcome = SOURCE_COUNTED, .jobs = (unsigned)value};
}
