/*
 * The .env file: envfile_parse(), then config_from_settings().
 *
 * Input: the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envfile.h"
#include "fuzz.h"
#include "instance_names.h"
#include "misspelt.h"
#include "options.h"

#define NAME ".env"

static void put_quoted(FILE *out, const char *value)
{
    fputc('"', out);
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
        } else {
            if (strchr("\"\\$", *value) != NULL)
                fputc('\\', out);
            fputc(*value, out);
        }
    }
    fputs("\" # comment\r\n", out);
}

static char *write_file(const struct settings *settings, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    promise(out != NULL);
    for (size_t i = 0; i < settings->count; i++) {
        fprintf(out, "export %s = ", settings->items[i].name);
        put_quoted(out, settings->items[i].value);
    }
    promise(fclose(out) == 0);
    return text;
}

/* What was read, written in quotes and read again, is what was read. */
static void check_again(const struct settings *settings)
{
    struct settings again = {0};
    struct errors errors = {0};
    size_t length;
    char *text = write_file(settings, &length);

    envfile_parse(&again, text, length, NAME, &errors);
    promise_of(errors.count == 0, text);
    promise_of(again.count == settings->count, text);
    for (size_t i = 0; i < again.count; i++) {
        promise_of(!again.items[i].has_reference, text);
        promise_of(strcmp(again.items[i].name, settings->items[i].name) == 0, text);
        promise_of(strcmp(again.items[i].value, settings->items[i].value) == 0, text);
    }
    free(text);
    errors_free(&errors);
    settings_free(&again);
}

/* A name of ours is never misspelt, and what another one is taken for is ours. */
static void check_name(const char *name)
{
    char text[MISSPELT_SUGGESTION_MAX];
    bool is_sure;
    const char *suggestion = misspelt_suggest(name, text, &is_sure);
    const struct option_info *option;
    unsigned number;

    if (suggestion == NULL)
        return;
    promise_of(option_find(name) == NULL, name);
    promise_of(instance_name_parse(name, &number, &option) == INSTANCE_NAME_OTHER, name);
    promise_of(option_find(suggestion) != NULL || strncmp(suggestion, "INSTANCE_N_", 11) == 0 ||
                   instance_name_parse(suggestion, &number, &option) == INSTANCE_NAME_GOOD,
               suggestion);
}

static void check_settings(const struct settings *settings, const char *text)
{
    fuzz_check_origins(settings, NAME, text);
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *item = &settings->items[i];
        promise(settings_find(settings, item->name) == item);
        promise(item->value[0] != '\0');
        promise(item->in_env_file);
        promise(!item->has_reference || strchr(item->value, '$') != NULL);
        promise(strlen(item->name) <= ENVFILE_NAME_MAX);
        check_name(item->name);
        promise_of(fuzz_is_printable_ascii(item->name), item->name);
        promise_of(strpbrk(item->name, " =#'\"\\$") == NULL, item->name);
    }
    check_again(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    struct errors errors = {0};
    const char *text = fuzz_text(0, data, size);

    envfile_parse(&settings, text, size, NAME, &errors);
    check_settings(&settings, text);
    config_free(fuzz_configure(&settings, &errors));
    errors_free(&errors);
    settings_free(&settings);
    return 0;
}
