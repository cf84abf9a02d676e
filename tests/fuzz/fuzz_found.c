/*
 * Lists of instances: url_list_parse() of INSTANCES_FILE, which any program may write, and
 * found_parse() of what `leastjobs run` writes for genconf and the agent.
 *
 * Input: the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "found.h"
#include "fuzz.h"
#include "names/url_list.h"
#include "url.h"
#include "xalloc.h"

#define NAME "list"

/* A URL is written in one way, and means nothing to whoever reads lines and words. */
static void check_url(const char *text)
{
    struct url url;

    promise_of(url_parse(&url, text) == NULL, text);
    promise_of(strcmp(url.text, text) == 0, text);
    promise_of(fuzz_is_printable_ascii(text) && strpbrk(text, " #\"'\\") == NULL, text);
    url_free(&url);
}

static void check_errors(const struct errors *errors, const char *text, size_t size)
{
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    for (size_t i = 0; i < errors->count; i++) {
        const char *error = errors->errors[i];
        promise_of(fuzz_is_one_line(error), error);
        if (strncmp(error, NAME ": ", strlen(NAME ": ")) == 0)
            continue;
        promise_of(strncmp(error, NAME " line ", strlen(NAME " line ")) == 0, error);
        unsigned long number = strtoul(error + strlen(NAME " line "), NULL, 10);
        promise_of(number >= 1 && number <= lines, error);
    }
}

/* Written again, one a line, the same. */
static void check_list(const struct url_list *list)
{
    struct errors errors = {0};
    struct url_list again = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *memory = xalloc_checked(open_memstream(&text, &size));

    for (size_t i = 0; i < list->count; i++) {
        check_url(list->urls[i]);
        fprintf(memory, "%s\n", list->urls[i]);
    }
    fclose(memory);
    url_list_parse(&again, text, size, NAME, &errors);
    promise(errors.count == 0 && url_list_is_same(list, &again));
    url_list_free(&again);
    free(text);
}

static void check_found(const struct found_list *list)
{
    struct errors errors = {0};
    struct found_list again = {0};
    char *text = found_format(list);
    char *copy = xstrdup(text);

    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->items[i];
        check_url(found->url);
        promise_of(found->number >= 1 && found->number <= INSTANCE_NUMBER_MAX, text);
        promise_of(i == 0 || list->items[i - 1].number < found->number, text);
    }
    found_parse(&again, copy, strlen(copy), NAME, &errors);
    promise_of(errors.count == 0, errors.count == 0 ? "" : errors.errors[0]);
    char *text_again = found_format(&again);
    promise_of(strcmp(text, text_again) == 0, text);
    free(text_again);
    free(copy);
    free(text);
    found_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = fuzz_text(0, data, size);
    struct errors errors = {0};
    struct url_list urls = {0};
    struct found_list found = {0};

    url_list_parse(&urls, text, size, NAME, &errors);
    check_errors(&errors, text, size);
    if (errors.count == 0)
        check_list(&urls);
    url_list_free(&urls);
    errors_free(&errors);
    char *copy = xalloc_checked(malloc(size + 1));
    memcpy(copy, text, size + 1);
    found_parse(&found, copy, size, NAME, &errors);
    check_errors(&errors, text, size);
    if (errors.count == 0)
        check_found(&found);
    found_free(&found);
    errors_free(&errors);
    free(copy);
    return 0;
}
