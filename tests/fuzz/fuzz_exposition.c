/*
 * Prometheus' text format and OpenMetrics: exposition_next(), exposition_has_labels().
 *
 * Input: the text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sources/exposition.h"

#define SAMPLES_MAX 64
#define NUMBER_MAX 32

/* A number as strtod(3) reads it back. */
static int print_number(char *text, double value)
{
    return snprintf(text, NUMBER_MAX, "%.17g", value);
}

static bool is_same_number(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

static bool is_same(struct span a, struct span b)
{
    return a.length == b.length && memcmp(a.start, b.start, a.length) == 0;
}

static bool is_within(struct span span, const char *text, size_t size)
{
    return span.start >= text && span.start + span.length <= text + size;
}

/* A sample written again, as short as it can be, is the same one. */
static void check_again(const struct sample *sample)
{
    char number[NUMBER_MAX];
    size_t size = sample->name.length + sample->labels.length + NUMBER_MAX + 8;
    char *line = malloc(size);
    struct exposition exposition;
    struct sample again = {0};

    print_number(number, sample->value);
    int length =
        snprintf(line, size, "%.*s{%.*s} %s\n", (int)sample->name.length, sample->name.start,
                 (int)sample->labels.length, sample->labels.start, number);
    /* A label's value may have a NUL, which printf(3) stops at. */
    if (memchr(sample->labels.start, '\0', sample->labels.length) == NULL) {
        exposition_begin(&exposition, line, (size_t)length);
        promise_of(exposition_next(&exposition, &again), line);
        promise_of(is_same(again.name, sample->name), line);
        promise_of(is_same(again.labels, sample->labels), line);
        promise_of(is_same_number(again.value, sample->value), line);
        promise_of(!exposition_next(&exposition, &again) && exposition.problem == NULL, line);
    }
    free(line);
}

static void check_labels(const struct sample *sample)
{
    struct span none = {.start = sample->labels.start};

    promise(exposition_has_labels(sample->labels, none));
    /* Of two labels with one name the first counts: then it may lack its own. */
    if (memchr(sample->labels.start, ',', sample->labels.length) == NULL)
        promise(exposition_has_labels(sample->labels, sample->labels));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = fuzz_bytes(0, data, size);
    struct exposition exposition;
    struct sample sample;
    unsigned count = 0;
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    exposition_begin(&exposition, text, size);
    while (exposition_next(&exposition, &sample) && count++ < SAMPLES_MAX) {
        promise(is_within(sample.name, text, size) && is_within(sample.labels, text, size));
        promise(sample.name.length > 0);
        promise(exposition.line >= 1 && exposition.line <= lines);
        check_again(&sample);
        check_labels(&sample);
    }
    if (exposition.problem != NULL)
        promise(!exposition_next(&exposition, &sample));
    return 0;
}
