#include "jobs/job_list.h"

#include <string.h>

#include "xalloc.h"

#define TOTAL_DIGITS_MAX 18

/* Each function that reads returns where it has ended, or NULL if there is no such thing. */
struct reader {
    const char *end;
    unsigned depth;
};

static const char *read_value(struct reader *reader, const char *at);

static const char *skip_blanks(const struct reader *reader, const char *at)
{
    while (at < reader->end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const char *read_escape(const struct reader *reader, const char *at)
{
    static const char escaped[] = {'"', '\\', '/', 'b', 'f', 'n', 'r', 't', 'u'};

    if (at == reader->end || memchr(escaped, *at, sizeof(escaped)) == NULL)
        return NULL;
    if (*at++ != 'u')
        return at;
    for (int i = 0; i < 4; i++, at++) {
        if (at == reader->end || !is_hex(*at))
            return NULL;
    }
    return at;
}

static const char *read_string(const struct reader *reader, const char *at)
{
    if (at == reader->end || *at++ != '"')
        return NULL;
    while (at != NULL && at < reader->end && *at != '"') {
        if ((unsigned char)*at < ' ')
            return NULL;
        at = *at == '\\' ? read_escape(reader, at + 1) : at + 1;
    }
    return at == NULL || at == reader->end ? NULL : at + 1;
}

static const char *read_digits(const struct reader *reader, const char *at)
{
    const char *begin = at;

    while (at < reader->end && *at >= '0' && *at <= '9')
        at++;
    return at == begin ? NULL : at;
}

static const char *read_number(const struct reader *reader, const char *at)
{
    at += at < reader->end && *at == '-';
    bool is_zero = at < reader->end && *at == '0';
    at = is_zero ? at + 1 : read_digits(reader, at);
    if (at != NULL && at < reader->end && *at == '.')
        at = read_digits(reader, at + 1);
    if (at != NULL && at < reader->end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < reader->end && (*at == '+' || *at == '-');
        at = read_digits(reader, at);
    }
    return at;
}

static const char *read_word(const struct reader *reader, const char *at)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(reader->end - at) >= length && memcmp(at, words[i], length) == 0)
            return at + length;
    }
    return NULL;
}

/* What is learned of an array or object on the way through. */
struct inside {
    const char *begin; /* behind its bracket, and blanks */
    const char *end;   /* before its closing bracket; blanks may be before that */
    unsigned long long count;
};

/* `member` hears of each member's name and value, if it isn't NULL. */
typedef void member_taker(void *context, const char *name, size_t name_length, const char *value,
                          const char *value_end);

static const char *read_name(const struct reader *reader, const char *at, const char **name_end)
{
    at = read_string(reader, at);
    *name_end = at;
    at = at == NULL ? NULL : skip_blanks(reader, at);
    return at == NULL || at == reader->end || *at != ':' ? NULL : skip_blanks(reader, at + 1);
}

static const char *read_item(struct reader *reader, const char *at, bool is_object,
                             member_taker *member, void *context)
{
    const char *name = at;
    const char *name_end = NULL;

    if (is_object)
        at = read_name(reader, at, &name_end);
    if (at == NULL)
        return NULL;
    const char *value = at;
    at = read_value(reader, at);
    if (at != NULL && is_object && member != NULL)
        member(context, name + 1, (size_t)(name_end - name) - 2, value, at);
    return at;
}

static const char *read_items(struct reader *reader, const char *at, struct inside *inside,
                              member_taker *member, void *context)
{
    bool is_object = *at == '{';
    char close = is_object ? '}' : ']';

    if (++reader->depth > JOB_LIST_DEPTH_MAX)
        return NULL;
    at = skip_blanks(reader, at + 1);
    *inside = (struct inside){.begin = at};
    while (at < reader->end && (*at != close || inside->count > 0)) {
        at = read_item(reader, at, is_object, member, context);
        if (at == NULL)
            return NULL;
        inside->count++;
        inside->end = at;
        at = skip_blanks(reader, at);
        if (at == reader->end || (*at != ',' && *at != close))
            return NULL;
        if (*at == close)
            break;
        at = skip_blanks(reader, at + 1);
    }
    if (at == reader->end)
        return NULL;
    reader->depth--;
    if (inside->count == 0)
        inside->end = inside->begin;
    return at + 1;
}

static const char *read_value(struct reader *reader, const char *at)
{
    struct inside inside;

    if (at == reader->end)
        return NULL;
    switch (*at) {
    case '{':
    case '[':
        return read_items(reader, at, &inside, NULL, NULL);
    case '"':
        return read_string(reader, at);
    case 't':
    case 'f':
    case 'n':
        return read_word(reader, at);
    default:
        return read_number(reader, at);
    }
}

static bool is_name(const char *name, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(name, wanted, length) == 0;
}

static void take_jobs(struct job_list *list, const char *value, const char *end, bool is_data)
{
    struct reader reader = {.end = end};
    struct inside inside;

    if ((*value != '{' || is_data) && *value != '[')
        return;
    read_items(&reader, value, &inside, NULL, NULL);
    if (is_data)
        list->form = JOB_LIST_DATA;
    else
        list->form = *value == '{' ? JOB_LIST_MAP : JOB_LIST_JOBS;
    list->jobs = inside.begin;
    list->length = (size_t)(inside.end - inside.begin);
    if (list->total == 0)
        list->total = inside.count;
}

static unsigned long long read_total(const char *value, const char *end)
{
    unsigned long long total = 0;

    if (end - value > TOTAL_DIGITS_MAX)
        return 0;
    for (; value < end; value++) {
        if (*value < '0' || *value > '9')
            return 0;
        total = 10 * total + (unsigned long long)(*value - '0');
    }
    return total;
}

static void take_member(void *context, const char *name, size_t length, const char *value,
                        const char *end)
{
    struct job_list *list = context;

    if (is_name(name, length, "jobs"))
        take_jobs(list, value, end, false);
    else if (is_name(name, length, "data") && list->form == JOB_LIST_NONE)
        take_jobs(list, value, end, true);
    else if (is_name(name, length, "total_jobs") || is_name(name, length, "total"))
        list->total = read_total(value, end);
    else if (is_name(name, length, "has_more"))
        list->has_more = *value == 't';
}

struct job_list job_list_read(const char *text, size_t length)
{
    static const struct job_list none = {0};
    struct reader reader = {.end = text + length};
    struct job_list list = none;
    struct inside inside;
    const char *at = skip_blanks(&reader, text);

    if (at == reader.end || (*at != '{' && *at != '['))
        return none;
    bool is_bare = *at == '[';
    at = read_items(&reader, at, &inside, take_member, &list);
    if (at == NULL || skip_blanks(&reader, at) != reader.end)
        return none;
    if (is_bare)
        list = (struct job_list){.form = JOB_LIST_BARE,
                                 .jobs = inside.begin,
                                 .length = (size_t)(inside.end - inside.begin),
                                 .total = inside.count};
    return list;
}

char *job_list_head(enum job_list_form form, unsigned long long total)
{
    switch (form) {
    case JOB_LIST_MAP:
        return xasprintf("{\"total_jobs\":%llu,\"jobs\":{", total);
    case JOB_LIST_JOBS:
        return xasprintf("{\"total_jobs\":%llu,\"jobs\":[", total);
    case JOB_LIST_DATA:
        return xstrdup("{\"object\":\"list\",\"data\":[");
    default:
        return xstrdup("[");
    }
}

char *job_list_tail(enum job_list_form form, bool has_more, const char *missing)
{
    if (form == JOB_LIST_BARE || form == JOB_LIST_NONE)
        return xstrdup("]");
    if (missing == NULL)
        missing = "[]";
    if (form == JOB_LIST_DATA)
        return xasprintf("],\"has_more\":%s,\"instances_missing\":%s}", has_more ? "true" : "false",
                         missing);
    return xasprintf("%s,\"instances_missing\":%s}", form == JOB_LIST_MAP ? "}" : "]", missing);
}
