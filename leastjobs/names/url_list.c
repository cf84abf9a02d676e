#include "names/url_list.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "url.h"
#include "xalloc.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";
static const char blanks[] = " \t\r";

void url_list_free(struct url_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->urls[i]);
    free(list->urls);
    *list = (struct url_list){0};
}

void url_list_add(struct url_list *list, const char *url)
{
    list->urls = xreallocarray(list->urls, list->count + 1, sizeof(*list->urls));
    list->urls[list->count++] = xstrdup(url);
}

bool url_list_is_same(const struct url_list *a, const struct url_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->urls[i], b->urls[i]) != 0)
            return false;
    }
    return true;
}

/* A URL and the line that it was first in. */
struct entry {
    const char *url;
    size_t index;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = strcmp(left->url, right->url);

    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Of URLs that are there several times the first stays. */
static void drop_duplicates(struct url_list *list)
{
    struct entry *entries = xcalloc(list->count, sizeof(*entries));
    bool *is_again = xcalloc(list->count, sizeof(*is_again));
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        entries[i] = (struct entry){list->urls[i], i};
    qsort(entries, list->count, sizeof(*entries), compare_entries);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(entries[i].url, entries[i - 1].url) == 0)
            is_again[entries[i].index] = true;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (is_again[i])
            free(list->urls[i]);
        else
            list->urls[kept++] = list->urls[i];
    }
    list->count = kept;
    free(is_again);
    free(entries);
}

/* The line without its comment and the blanks around; NULL if nothing is left. */
static char *take_text(const char *line, size_t length)
{
    const char *comment = memchr(line, '#', length);
    const char *end = comment == NULL ? line + length : comment;

    while (line < end && strchr(blanks, *line) != NULL && *line != '\0')
        line++;
    while (line < end && strchr(blanks, end[-1]) != NULL && end[-1] != '\0')
        end--;
    return line == end ? NULL : xstrndup(line, (size_t)(end - line));
}

/* NULL, or what is wrong. */
static const char *parse_line(struct url_list *list, const char *line, size_t length)
{
    struct url url;
    const char *problem;

    if (memchr(line, '\0', length) != NULL)
        return "has a NUL character";
    char *text = take_text(line, length);
    if (text == NULL)
        return NULL;
    problem = url_parse(&url, text);
    if (problem == NULL) {
        url_list_add(list, url.text);
        url_free(&url);
    }
    free(text);
    return problem;
}

void url_list_parse(struct url_list *list, const char *bytes, size_t length, const char *name,
                    struct errors *errors)
{
    size_t number = 0;
    size_t mark = strlen(byte_order_mark);
    const char *end = bytes + length;

    if (length >= mark && memcmp(bytes, byte_order_mark, mark) == 0)
        bytes += mark;
    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *stop = newline == NULL ? end : newline;
        const char *problem = parse_line(list, bytes, (size_t)(stop - bytes));
        number++;
        if (problem != NULL) {
            char *line = xstrndup(bytes, strcspn(bytes, "\r\n"));
            char *shown = url_redact(line);
            errors_add(errors, "%s line %zu: \"%.200s\": %s", name, number, shown, problem);
            free(shown);
            free(line);
        }
        bytes = stop + 1;
    }
    drop_duplicates(list);
    if (list->count > INSTANCES_MAX)
        errors_add(errors, "%s: %zu instances: at most %d are supported", name, list->count,
                   INSTANCES_MAX);
}
