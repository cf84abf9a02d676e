/*
 * The configuration file: conffile_parse(), then config_from_settings().
 *
 * Input: the file. One with a NUL byte is read up to it (conffile_read() refuses it before).
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "conffile.h"
#include "fuzz.h"
#include "options.h"

#define NAME "leastjobs.conf"

const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/*
 * In place of the C library's, for libconfig too: text that is parsed makes nobody open a file, by
 * @include or otherwise. (libFuzzer opens files to report what it found.)
 */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the system's are reserved */
FILE *fopen(const char *restrict path, const char *restrict mode)
{
    static FILE *(*real)(const char *restrict, const char *restrict);
    Dl_info caller;

    if (dladdr(__builtin_return_address(0), &caller) != 0)
        promise_of(strstr(caller.dli_fname, "libconfig") == NULL, path);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    return real(path, mode);
}

/* libconfig 1.5 doesn't free a string that a syntax error follows; all else that it has is ours. */
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

/* No strings, fractions, exponents, hexadecimal or long numbers: values are as they stand there. */
static bool has_plain_numbers_only(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\".xXL", *text) != NULL)
            return false;
        if (strchr("0123456789", *text) != NULL && (text[1] == 'e' || text[1] == 'E'))
            return false;
    }
    return true;
}

static void check_settings(const struct settings *settings, const char *text)
{
    bool plain = has_plain_numbers_only(text);

    fuzz_check_origins(settings, NAME, text);
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *item = &settings->items[i];
        promise(settings_find(settings, item->name) == item);
        promise_of(option_find(item->name) != NULL || strncmp(item->name, "INSTANCE_", 9) == 0,
                   item->name);
        promise(item->value[0] != '\0');
        if (plain) /* But for a sign and zeros. */
            promise_of(strstr(text, item->value + (item->value[0] == '-')) != NULL, item->value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    struct errors errors = {0};
    const char *text = fuzz_text(0, data, size);

    conffile_parse(&settings, text, NAME, &errors);
    check_settings(&settings, text);
    config_free(fuzz_configure(&settings, &errors));
    errors_free(&errors);
    settings_free(&settings);
    return 0;
}
