#include "xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
    fputs("leastjobs: out of memory\n", stderr);
    exit(1);
}

void *xalloc_checked(void *memory)
{
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    return xalloc_checked(calloc(count == 0 ? 1 : count, size));
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    return xalloc_checked(reallocarray(old, count == 0 ? 1 : count, size));
}

char *xstrdup(const char *text)
{
    return xalloc_checked(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
    return xalloc_checked(strndup(text, length));
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        out_of_memory();
    return text;
}
