#include "sources/source_prometheus.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "sources/exposition.h"

/* One metric of a locator, and what was found of it. */
struct term {
    struct span name;
    struct span labels;
    unsigned sum; /* which of the locator's sums it belongs to */
    bool is_found;
    bool is_wrong;
    double wrong; /* the first value that is no count, if one is */
    double total;
};

struct terms {
    struct term terms[SOURCE_PROMETHEUS_METRICS_MAX];
    size_t count;
};

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
}

static bool parse_locator(const char *locator, struct terms *terms)
{
    const char *end = locator + strlen(locator);
    unsigned sum = 0;

    terms->count = 0;
    for (;;) {
        struct term *term = &terms->terms[terms->count];
        if (terms->count == SOURCE_PROMETHEUS_METRICS_MAX)
            return false;
        *term = (struct term){.sum = sum};
        skip_blanks(&locator, end);
        if (exposition_metric(&locator, end, &term->name, &term->labels) != NULL)
            return false;
        terms->count++;
        if (locator == end)
            return true;
        if (*locator != ',' && *locator != '+')
            return false;
        sum += *locator++ == ',';
    }
}

static const char *check_locator(const char *locator)
{
    struct terms terms;

    return parse_locator(locator, &terms)
               ? NULL
               : "expected at most 16 metrics' names, added up with + or as alternatives with a "
                 "comma, such as vllm:num_requests_running+vllm:num_requests_waiting, each maybe "
                 "with labels such as {engine=\"0\"}";
}

static void take_sample(struct terms *terms, const struct sample *sample)
{
    for (size_t i = 0; i < terms->count; i++) {
        struct term *term = &terms->terms[i];
        if (term->name.length != sample->name.length ||
            memcmp(term->name.start, sample->name.start, term->name.length) != 0 ||
            !exposition_has_labels(sample->labels, term->labels))
            continue;
        bool is_wrong = !(sample->value >= 0) || isinf(sample->value);
        if (is_wrong && !term->is_wrong) {
            term->is_wrong = true;
            term->wrong = sample->value;
        }
        term->is_found = true;
        term->total += is_wrong ? 0 : sample->value;
    }
}

/* The first term of the first sum of which all are there, the count of the terms if none is. */
static size_t choose(const struct terms *terms)
{
    size_t first = 0;

    while (first < terms->count) {
        size_t i = first;
        while (i < terms->count && terms->terms[i].sum == terms->terms[first].sum &&
               terms->terms[i].is_found)
            i++;
        if (i == terms->count || terms->terms[i].sum != terms->terms[first].sum)
            return first;
        unsigned sum = terms->terms[first].sum;
        while (first < terms->count && terms->terms[first].sum == sum)
            first++;
    }
    return terms->count;
}

static struct source_reading add_up(const struct terms *terms, size_t first)
{
    const struct term *term = &terms->terms[first];
    const struct term *end = terms->terms + terms->count;
    double total = 0;

    for (unsigned sum = term->sum; term < end && term->sum == sum; term++) {
        if (term->is_wrong)
            return source_failed(SOURCE_BAD_COUNT, "%.*s is %g", (int)term->name.length,
                                 term->name.start, term->wrong);
        total += term->total;
    }
    return source_counted(total, terms->terms[first].name.start, terms->terms[first].name.length);
}

static struct source_reading read_metrics(const char *bytes, size_t length, const char *locator)
{
    struct exposition exposition;
    struct sample sample;
    struct terms terms;

    if (!parse_locator(locator, &terms))
        return source_failed(SOURCE_NO_COUNT, "nothing at %s", locator);
    exposition_begin(&exposition, bytes, length);
    while (exposition_next(&exposition, &sample))
        take_sample(&terms, &sample);
    if (exposition.problem != NULL)
        return source_failed(SOURCE_WRONG_FORM, "line %u: %s", exposition.line, exposition.problem);
    size_t first = choose(&terms);
    return first < terms.count ? add_up(&terms, first)
                               : source_failed(SOURCE_NO_COUNT, "no metric %s", locator);
}

const struct source source_prometheus = {
    .name = "prometheus",
    .check_locator = check_locator,
    .read = read_metrics,
};
