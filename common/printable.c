#include "printable.h"

#include <stdio.h>

void printable_format(char *text, size_t size, const char *format, va_list arguments)
{
    vsnprintf(text, size, format, arguments);
    for (char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c >= 0x7f)
            *c = '?';
    }
}
