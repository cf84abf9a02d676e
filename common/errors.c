#include "errors.h"

#include <stdarg.h>
#include <stdlib.h>

#include "log.h"
#include "xalloc.h"

static void append(char ***texts, size_t *count, const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        text = xstrdup("out of memory");
    log_replace_control_characters(text);
    *texts = xreallocarray(*texts, *count + 1, sizeof(**texts));
    (*texts)[(*count)++] = text;
}

void errors_add(struct errors *errors, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(&errors->errors, &errors->count, format, arguments);
    va_end(arguments);
}

void errors_warn(struct errors *errors, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(&errors->warnings, &errors->warning_count, format, arguments);
    va_end(arguments);
}

void errors_drop_warnings(struct errors *errors, size_t count)
{
    while (errors->warning_count > count)
        free(errors->warnings[--errors->warning_count]);
}

void errors_print(const struct errors *errors, const char *program, FILE *stream)
{
    for (size_t i = 0; i < errors->warning_count; i++)
        fprintf(stream, "%s: warning: %s\n", program, errors->warnings[i]);
    for (size_t i = 0; i < errors->count; i++)
        fprintf(stream, "%s: error: %s\n", program, errors->errors[i]);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void errors_free(struct errors *errors)
{
    free_texts(errors->errors, errors->count);
    free_texts(errors->warnings, errors->warning_count);
    *errors = (struct errors){0};
}
