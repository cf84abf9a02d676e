#include "found.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grammar.h"
#include "names.h"
#include "replace.h"
#include "serverstate.h"
#include "textfile.h"
#include "xalloc.h"

#define HEAD                                                                                       \
    "# Written by leastjobs run. Instances of INSTANCES_DNS and INSTANCES_FILE: N URL ORIGIN\n"
#define WORDS_MAX 5
#define LEAVING "leaving"

void found_add(struct found_list *list, const struct found *found)
{
    list->items = xreallocarray(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = (struct found){.number = found->number,
                                                .url = xstrdup(found->url),
                                                .origin = xstrdup(found->origin),
                                                .left_s = found->left_s};
}

void found_copy(struct found_list *copy, const struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        found_add(copy, &list->items[i]);
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned left = ((const struct found *)a)->number;
    unsigned right = ((const struct found *)b)->number;

    return (left > right) - (left < right);
}

void found_sort(struct found_list *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), compare_numbers);
}

void found_free(struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].url);
        free(list->items[i].origin);
    }
    free(list->items);
    *list = (struct found_list){0};
}

/* NULL, or what is wrong with a word as the URL that we would have written. */
static const char *url_problem(const char *word)
{
    struct url url;
    const char *problem = url_parse(&url, word);

    if (problem == NULL && strcmp(url.text, word) != 0)
        problem = "isn't written as leastjobs does";
    url_free(&url);
    return problem;
}

/* NULL, or what is wrong. The texts of `found` are the line's. */
static const char *parse_line(char *line, struct found *found)
{
    char *words[WORDS_MAX + 1] = {0};
    size_t count = 0;
    char *rest = NULL;
    unsigned long long number = 0;
    unsigned long long left = 0;

    for (char *word = strtok_r(line, " ", &rest); word != NULL && count <= WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (count != 3 && count != WORDS_MAX)
        return "expected a number, a URL and an origin";
    if (!grammar_parse_whole(words[0], &number) || number < 1 || number > INSTANCE_NUMBER_MAX)
        return "expected a number from 1 to 65535";
    if (count == WORDS_MAX &&
        (strcmp(words[3], LEAVING) != 0 || !grammar_parse_whole(words[4], &left) || left == 0))
        return "expected " LEAVING " and a time";
    *found = (struct found){
        .number = (unsigned)number, .url = words[1], .origin = words[2], .left_s = (int64_t)left};
    return url_problem(words[1]);
}

static int compare_urls(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of each number and each URL there is one. */
static bool has_duplicates(struct found_list *list)
{
    char **urls = xcalloc(list->count, sizeof(*urls));
    bool any = false;

    found_sort(list);
    for (size_t i = 0; i < list->count; i++)
        urls[i] = list->items[i].url;
    qsort(urls, list->count, sizeof(*urls), compare_urls);
    for (size_t i = 1; i < list->count && !any; i++)
        any =
            list->items[i].number == list->items[i - 1].number || strcmp(urls[i], urls[i - 1]) == 0;
    free(urls);
    return any;
}

void found_parse(struct found_list *list, char *bytes, size_t length, const char *name,
                 struct errors *errors)
{
    size_t number = 0;

    for (char *line = bytes, *next; line < bytes + length; line = next) {
        char *newline = memchr(line, '\n', length - (size_t)(line - bytes));
        next = newline == NULL ? bytes + length : newline + 1;
        if (newline != NULL)
            *newline = '\0';
        number++;
        if (line[0] == '#' || line[0] == '\0')
            continue;
        struct found found = {0};
        const char *problem = parse_line(line, &found);
        if (problem == NULL && list->count >= INSTANCES_MAX)
            problem = "more instances than are supported";
        if (problem == NULL)
            found_add(list, &found);
        else
            errors_add(errors, "%s line %zu: %s", name, number, problem);
    }
    if (has_duplicates(list))
        errors_add(errors, "%s: a number or a URL is there twice", name);
}

char *found_format(const struct found_list *list)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = xalloc_checked(open_memstream(&text, &size));

    fputs(HEAD, memory);
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->items[i];
        fprintf(memory, "%u %s %s", found->number, found->url, found->origin);
        if (found->left_s != 0)
            fprintf(memory, " " LEAVING " %lld", (long long)found->left_s);
        fputc('\n', memory);
    }
    fclose(memory);
    return xalloc_checked(text);
}

char *found_path(const struct config *config)
{
    return xasprintf("%s" FOUND_FILE_SUFFIX, config->haproxy_socket);
}

void found_read(struct found_list *list, const struct config *config, bool *is_there,
                struct errors *errors)
{
    char *path = found_path(config);
    size_t length = 0;

    *is_there = access(path, F_OK) == 0 || errno != ENOENT;
    char *bytes = *is_there ? textfile_read(path, &length, errors) : NULL;
    if (bytes != NULL)
        found_parse(list, bytes, length, path, errors);
    free(bytes);
    free(path);
}

bool found_write(const struct found_list *list, const struct config *config)
{
    char *text = found_format(list);
    char *path = found_path(config);
    size_t length = strlen(text);
    bool is_good = length <= TEXTFILE_MAX;
    int problem = EFBIG;

    if (is_good) {
        serverstate_make_folder(config);
        is_good = replace_file(path, text, length, STATE_FILE_MODE);
        problem = errno;
    }
    free(path);
    free(text);
    errno = problem;
    return is_good;
}

void found_warn_of_nobody(const struct config *config, struct errors *errors)
{
    char *path = found_path(config);

    if (config_finds_instances(config) && access(path, F_OK) != 0)
        errors_warn(errors,
                    "%s: who they are isn't known yet: it is `leastjobs run` that finds them, and "
                    "writes %s",
                    config->instances_dns != NULL ? "INSTANCES_DNS" : "INSTANCES_FILE", path);
    free(path);
}

static int compare_instances(const void *a, const void *b)
{
    unsigned left = ((const struct instance_config *)a)->number;
    unsigned right = ((const struct instance_config *)b)->number;

    return (left > right) - (left < right);
}

/* The texts of the configuration's URLs, sorted. They are its own, the array is the caller's. */
static char **sort_urls(const struct config *config)
{
    char **urls = xcalloc(config->instance_count, sizeof(*urls));

    for (size_t i = 0; i < config->instance_count; i++)
        urls[i] = config->instances[i].url.text;
    qsort(urls, config->instance_count, sizeof(*urls), compare_urls);
    return urls;
}

static void join(struct config *config, const struct found *found)
{
    struct url url;

    if (url_parse(&url, found->url) != NULL)
        return;
    config->instances =
        xreallocarray(config->instances, config->instance_count + 1, sizeof(*config->instances));
    config->instances[config->instance_count++] =
        (struct instance_config){.number = found->number,
                                 .url = url,
                                 .origin = xstrdup(found->origin),
                                 .is_found = true,
                                 .is_leaving = found->left_s != 0};
}

void found_join(struct config *config, struct errors *errors)
{
    bool is_finding = config_finds_instances(config);
    struct errors ignored = {0};
    struct found_list list = {0};
    char **urls = sort_urls(config);
    size_t named = config->instance_count;
    bool is_there;

    found_read(&list, config, &is_there, is_finding ? errors : &ignored);
    for (size_t i = 0; i < list.count; i++) {
        const struct instance_config key = {.number = list.items[i].number};
        bool is_taken =
            named > 0 &&
            (bsearch(&list.items[i].url, urls, named, sizeof(*urls), compare_urls) != NULL ||
             bsearch(&key, config->instances, named, sizeof(key), compare_instances) != NULL);
        if (!is_taken && (is_finding || list.items[i].left_s != 0))
            join(config, &list.items[i]);
    }
    if (config->instance_count > named)
        qsort(config->instances, config->instance_count, sizeof(*config->instances),
              compare_instances);
    free(urls);
    found_free(&list);
    errors_free(&ignored);
}
