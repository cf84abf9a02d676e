#include "sources/exposition.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* No number is longer, not even one with all digits of a double. */
#define NUMBER_MAX 400

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && is_blank(**at))
        (*at)++;
}

static bool is_name_character(char c, bool is_first, bool is_metric)
{
    unsigned char byte = (unsigned char)c;

    return isalpha(byte) || c == '_' || (is_metric && c == ':') || (!is_first && isdigit(byte));
}

static struct span read_name(const char **at, const char *end, bool is_metric)
{
    struct span name = {.start = *at};

    while (*at < end && is_name_character(**at, *at == name.start, is_metric))
        (*at)++;
    name.length = (size_t)(*at - name.start);
    return name;
}

/* Up to the quote at its end, which *at is moved to. */
static bool skip_quoted(const char **at, const char *end)
{
    while (*at < end && **at != '"')
        *at += **at == '\\' && end - *at > 1 ? 2 : 1;
    return *at < end;
}

/* A label and the blanks around it; *value is as it is written, escaped. */
static const char *read_label(const char **at, const char *end, struct span *name,
                              struct span *value)
{
    *name = read_name(at, end, false);
    if (name->length == 0)
        return "a label's name was expected";
    skip_blanks(at, end);
    if (*at == end || *(*at)++ != '=')
        return "= was expected after a label's name";
    skip_blanks(at, end);
    if (*at == end || *(*at)++ != '"')
        return "a label's value must be in double quotes";
    value->start = *at;
    if (!skip_quoted(at, end))
        return "a label's value has no end";
    value->length = (size_t)(*at - value->start);
    (*at)++;
    skip_blanks(at, end);
    return NULL;
}

/* Behind "{"; up to and with "}". */
static const char *skip_labels(const char **at, const char *end, struct span *labels)
{
    struct span name, value;

    labels->start = *at;
    for (;;) {
        skip_blanks(at, end);
        if (*at < end && **at == '}')
            break;
        const char *problem = read_label(at, end, &name, &value);
        if (problem != NULL)
            return problem;
        if (*at == end || (**at != ',' && **at != '}'))
            return ", or } was expected after a label";
        if (**at == ',')
            (*at)++;
    }
    labels->length = (size_t)(*at - labels->start);
    (*at)++;
    return NULL;
}

const char *exposition_metric(const char **at, const char *end, struct span *name,
                              struct span *labels)
{
    *labels = (struct span){.start = *at};
    *name = read_name(at, end, true);
    if (name->length == 0)
        return "a metric's name was expected";
    skip_blanks(at, end);
    if (*at == end || **at != '{')
        return NULL;
    (*at)++;
    const char *problem = skip_labels(at, end, labels);
    skip_blanks(at, end);
    return problem;
}

/* strtod(3) understands what ParseFloat does, and nan(…) and white space before. */
static bool read_number(const char **at, const char *end, double *number)
{
    char text[NUMBER_MAX];
    size_t length = 0;
    char *stop;

    for (; *at < end && !is_blank(**at); (*at)++) {
        unsigned char byte = (unsigned char)**at;
        if (length == NUMBER_MAX - 1 || (!isalnum(byte) && strchr("+-.", byte) == NULL) ||
            byte == '\0')
            return false;
        text[length++] = (char)byte;
    }
    text[length] = '\0';
    *number = strtod(text, &stop);
    skip_blanks(at, end);
    return length > 0 && *stop == '\0';
}

static const char *skip_exemplar(const char **at, const char *end)
{
    struct span labels;
    double number;

    (*at)++;
    skip_blanks(at, end);
    if (*at == end || *(*at)++ != '{')
        return "{ was expected in an exemplar";
    const char *problem = skip_labels(at, end, &labels);
    if (problem != NULL)
        return problem;
    skip_blanks(at, end);
    if (!read_number(at, end, &number))
        return "an exemplar's value isn't a number";
    if (*at < end && !read_number(at, end, &number))
        return "an exemplar's time isn't a number";
    return NULL;
}

static const char *read_sample(const char *at, const char *end, struct sample *sample)
{
    double time;
    const char *problem = exposition_metric(&at, end, &sample->name, &sample->labels);

    if (problem != NULL)
        return problem;
    if (!read_number(&at, end, &sample->value))
        return "a value isn't a number";
    if (at < end && *at != '#' && !read_number(&at, end, &time))
        return "a time isn't a number";
    if (at < end && *at == '#')
        problem = skip_exemplar(&at, end);
    if (problem == NULL && at < end)
        problem = "something follows the sample";
    return problem;
}

static struct span read_word(const char **at, const char *end)
{
    struct span word;

    skip_blanks(at, end);
    word.start = *at;
    while (*at < end && !is_blank(**at))
        (*at)++;
    word.length = (size_t)(*at - word.start);
    return word;
}

static bool is_word(struct span word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

static bool is_type(struct span word)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "summary",       "untyped",
                                        "unknown", "info",  "stateset",  "gaugehistogram"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (is_word(word, types[i]))
            return true;
    }
    return false;
}

/* Behind "#". */
static const char *check_comment(const char *at, const char *end)
{
    struct span keyword = read_word(&at, end);
    bool is_type_line = is_word(keyword, "TYPE");

    if (!is_type_line && !is_word(keyword, "HELP") && !is_word(keyword, "UNIT"))
        return NULL;
    skip_blanks(&at, end);
    if (read_name(&at, end, true).length == 0 || (at < end && !is_blank(*at)))
        return "a metric's name was expected after HELP, TYPE or UNIT";
    if (!is_type_line)
        return NULL;
    if (!is_type(read_word(&at, end)))
        return "an unknown TYPE";
    skip_blanks(&at, end);
    return at == end ? NULL : "something follows a TYPE";
}

void exposition_begin(struct exposition *exposition, const char *bytes, size_t length)
{
    *exposition = (struct exposition){.at = bytes, .end = bytes + length};
}

/* OpenMetrics' last line, with or without its newline. */
static bool is_end(const char *line, const char *stop)
{
    static const char text[] = "# EOF";

    return (size_t)(stop - line) == sizeof(text) - 1 && memcmp(line, text, sizeof(text) - 1) == 0;
}

/* Takes the next line; false behind the last. */
static bool next_line(struct exposition *exposition, const char **line, const char **stop)
{
    if (exposition->at == exposition->end || exposition->problem != NULL)
        return false;
    size_t left = (size_t)(exposition->end - exposition->at);
    const char *newline = memchr(exposition->at, '\n', left);
    *line = exposition->at;
    *stop = newline == NULL ? exposition->end : newline;
    exposition->line++;
    exposition->at = newline == NULL ? exposition->end : newline + 1;
    if (is_end(*line, *stop)) {
        if (exposition->at != exposition->end)
            exposition->problem = "something follows # EOF";
        return false;
    }
    /* A number that was cut short is another number. */
    if (newline == NULL)
        exposition->problem = "the last line has no end";
    return newline != NULL;
}

bool exposition_next(struct exposition *exposition, struct sample *sample)
{
    const char *line;
    const char *stop;

    while (next_line(exposition, &line, &stop)) {
        skip_blanks(&line, stop);
        if (line == stop)
            continue;
        bool is_comment = *line == '#';
        exposition->problem =
            is_comment ? check_comment(line + 1, stop) : read_sample(line, stop, sample);
        if (exposition->problem != NULL)
            return false;
        if (!is_comment)
            return true;
    }
    return false;
}

/* The next character of a value. What no escape is known for stands for itself. */
static char unescape(struct span *value)
{
    char c = value->start[0];
    size_t length = 1;

    if (c == '\\' && value->length > 1 && strchr("\\\"n", value->start[1]) != NULL &&
        value->start[1] != '\0') {
        c = (char)(value->start[1] == 'n' ? '\n' : value->start[1]);
        length = 2;
    }
    value->start += length;
    value->length -= length;
    return c;
}

static bool is_same_value(struct span a, struct span b)
{
    while (a.length > 0 && b.length > 0) {
        if (unescape(&a) != unescape(&b))
            return false;
    }
    return a.length == b.length;
}

/* Takes the next of checked labels; false behind the last. */
static bool next_label(struct span *labels, struct span *name, struct span *value)
{
    const char *at = labels->start;
    const char *end = at + labels->length;

    skip_blanks(&at, end);
    if (at == end || read_label(&at, end, name, value) != NULL)
        return false;
    if (at < end)
        at++;
    *labels = (struct span){.start = at, .length = (size_t)(end - at)};
    return true;
}

static bool has_label(struct span labels, struct span wanted_name, struct span wanted_value)
{
    struct span name, value;

    while (next_label(&labels, &name, &value)) {
        if (name.length == wanted_name.length &&
            memcmp(name.start, wanted_name.start, name.length) == 0)
            return is_same_value(value, wanted_value);
    }
    return false;
}

bool exposition_has_labels(struct span labels, struct span wanted)
{
    struct span name, value;

    while (next_label(&wanted, &name, &value)) {
        if (!has_label(labels, name, value))
            return false;
    }
    return true;
}
