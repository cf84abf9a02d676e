#ifndef LEASTJOBS_PRINTABLE_H
#define LEASTJOBS_PRINTABLE_H

#include <stdarg.h>
#include <stddef.h>

/*
 * vsnprintf(3) of what somebody else may have written: each byte that isn't printable ASCII becomes
 * a question mark, so that it does nothing to a log or a page.
 */
void printable_format(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
