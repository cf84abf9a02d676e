#ifndef LEASTJOBS_EXPOSITION_H
#define LEASTJOBS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Metrics as text: Prometheus' text format 0.0.4 ("Exposition formats", prometheus.io) and
 * OpenMetrics 1.0 ("Text Format"), whichever comes. Line by line, without memory:
 *
 *   line    = [ sample / comment ] newline
 *   sample  = metric value [ timestamp ] [ "#" "{" labels "}" value [ timestamp ] ]   (exemplar)
 *   metric  = name [ "{" labels "}" ]
 *   labels  = [ label *( "," label ) [ "," ] ]
 *   label   = name "=" DQUOTE value DQUOTE          (with \\, \" and \n)
 *   comment = "#" and any text; after HELP, TYPE and UNIT a name, after TYPE a type too
 *   "# EOF" ends it: nothing may follow.
 *
 * Blanks and tabs may stand between tokens. Numbers are those of Go's ParseFloat: decimal, with
 * exponents, hexadecimal, NaN, +Inf, -Inf. That a metric has one TYPE, and series of one metric
 * stand together, isn't checked. Names in quotes (of UTF-8) are refused: nobody sends them who
 * wasn't asked to.
 */

/* Bytes of somebody else's. */
struct span {
    const char *start;
    size_t length;
};

struct sample {
    struct span name;
    struct span labels; /* what stands between the braces, checked; empty if nothing does */
    double value;
};

struct exposition {
    const char *at;
    const char *end;
    unsigned line;       /* the number of the last line that was read */
    const char *problem; /* what is wrong with it, NULL if nothing is. Static */
};

/* Begins to read bytes, which must stay. */
void exposition_begin(struct exposition *exposition, const char *bytes, size_t length);

/* The next sample; false behind the last, or if there is a problem. */
bool exposition_next(struct exposition *exposition, struct sample *sample);

/*
 * Reads a metric, as a sample begins, up to `end`. Moves *at behind it and the blanks that follow.
 * Returns NULL, or what is wrong. Static.
 */
const char *exposition_metric(const char **at, const char *end, struct span *name,
                              struct span *labels);

/* Whether `labels` have all those of `wanted`, with the same values. Both must be checked ones. */
bool exposition_has_labels(struct span labels, struct span wanted);

#endif
