/*
 * Somebody's own template, and values that no check has seen: template_compile(),
 * template_expand().
 *
 * Input: a byte, how many items each loop has; VALUES values, each ended by a NUL; the template.
 *
 * The rule: there are errors, with lines and columns that the template has; or the output is that
 * of a reference in which each value is a harmless word, and both have the same blanks, quotes and
 * other characters that mean something to HAProxy, in the same order. In the reference no harmless
 * word is where a value would mean more than itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "template/template.h"
#include "values/values.h"

#define NAME "x.in"
#define VALUES 6
#define ITEMS_MAX 4
/* Stands for a value that is neither empty nor 0, which make a difference to conditions. */
#define HARMLESS "h4rmless"

struct input {
    size_t item_count;
    const char *values[VALUES];
    size_t lengths[VALUES];
    const char *template;
    size_t template_length;
    bool is_reference;
};

static size_t count_items(const void *context, size_t loop)
{
    const struct input *input = context;

    return (input->item_count + loop) % ITEMS_MAX;
}

static void put(const void *context, size_t name, size_t item, struct text *out)
{
    const struct input *input = context;
    size_t which = (name + 5 * item) % VALUES;
    const char *value = input->values[which];
    size_t length = input->lengths[which];

    if (input->is_reference && length > 0 && (length > 1 || value[0] != '0'))
        text_put(out, HARMLESS, strlen(HARMLESS));
    else
        text_put(out, value, length);
}

static bool read_input(struct input *input, const char *bytes, size_t size)
{
    const char *end = bytes + size;

    if (size == 0)
        return false;
    input->item_count = (unsigned char)*bytes++;
    for (size_t i = 0; i < VALUES; i++) {
        const char *nul = memchr(bytes, '\0', (size_t)(end - bytes));
        if (nul == NULL)
            return false;
        input->values[i] = bytes;
        input->lengths[i] = (size_t)(nul - bytes);
        bytes = nul + 1;
    }
    input->template = bytes;
    input->template_length = (size_t)(end - bytes);
    return true;
}

static void check_errors(const struct errors *errors, const struct input *input)
{
    unsigned long lines = 1;

    for (size_t i = 0; i < input->template_length; i++)
        lines += input->template[i] == '\n';
    promise(errors->count > 0 && errors->count <= TEMPLATE_ERRORS_MAX + 1);
    for (size_t i = 0; i < errors->count; i++) {
        const char *error = errors->errors[i];
        char *rest;
        promise_of(fuzz_is_one_line(error), error);
        promise_of(strncmp(error, NAME ":", strlen(NAME ":")) == 0, error);
        if (i == TEMPLATE_ERRORS_MAX)
            break;
        unsigned long line = strtoul(error + strlen(NAME ":"), &rest, 10);
        promise_of(line >= 1 && line <= lines && *rest == ':', error);
        unsigned long column = strtoul(rest + 1, &rest, 10);
        promise_of(column >= 1 && column <= input->template_length + 1 && *rest == ':', error);
    }
}

static bool expand(const struct template *template, const struct input *input, bool is_reference,
                   struct text *out)
{
    struct input copy = *input;
    struct template_values values = values_of(NULL);
    struct errors errors = {0};

    copy.is_reference = is_reference;
    values.count_items = count_items;
    values.put = put;
    values.context = &copy;
    text_put(out, "", 0);
    bool good = template_expand(template, &values, out, &errors);
    promise(good == (errors.count == 0));
    if (!good)
        check_errors(&errors, input);
    errors_free(&errors);
    return good;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~/:@+=*[]", c) != NULL);
}

/* All but the plain characters, of which as many as there are in a row count as one. */
static void compare(const struct text *reference, const struct text *out)
{
    size_t i = 0;
    size_t j = 0;

    for (;;) {
        bool plain = i < reference->length && is_plain(reference->bytes[i]);
        promise_of(plain == (j < out->length && is_plain(out->bytes[j])), out->bytes);
        while (i < reference->length && is_plain(reference->bytes[i]))
            i++;
        while (j < out->length && is_plain(out->bytes[j]))
            j++;
        if (i == reference->length || j == out->length)
            break;
        promise_of(reference->bytes[i++] == out->bytes[j++], out->bytes);
    }
    promise_of(i == reference->length && j == out->length, out->bytes);
}

static void check_position(const char *line, const char *word)
{
    const char *first = line + strspn(line, " \t");

    promise_of(word > first + strcspn(first, " \t\n"), line);
    promise_of(strchr("%$\\", word[-1]) == NULL, line);
}

static void check_positions(const struct text *reference, const struct input *input)
{
    const char *word = reference->bytes;

    if (memmem(input->template, input->template_length, "4r", 2) != NULL ||
        strlen(reference->bytes) != reference->length)
        return;
    while ((word = strstr(word, HARMLESS)) != NULL) {
        const char *line = word;
        while (line > reference->bytes && line[-1] != '\n')
            line--;
        check_position(line, word);
        word += strlen(HARMLESS);
    }
}

static void check_template(const struct template *template, const struct input *input)
{
    struct text out = {0};
    struct text reference = {0};

    bool good = expand(template, input, false, &out);
    bool reference_is_good = expand(template, input, true, &reference);
    if (good) {
        promise(reference_is_good);
        compare(&reference, &out);
    }
    if (reference_is_good)
        check_positions(&reference, input);
    text_free(&out);
    text_free(&reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct template_values values = values_of(NULL);
    struct errors errors = {0};
    struct input input = {0};

    if (!read_input(&input, fuzz_bytes(0, data, size), size))
        return 0;
    struct template *template =
        template_compile(NAME, input.template, input.template_length, &values, &errors);
    promise((template == NULL) == (errors.count > 0));
    if (template == NULL)
        check_errors(&errors, &input);
    else
        check_template(template, &input);
    template_free(template);
    errors_free(&errors);
    return 0;
}
