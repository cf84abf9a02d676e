#include "names/numbers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* What is looked up on the way, beside the list that is made. */
struct work {
    bool *is_used;      /* by number: an INSTANCE_N_URL's, or a found one's */
    const char **named; /* the URLs of INSTANCE_N_URL, sorted */
    size_t named_count;
    const struct wanted **wanted; /* sorted by URL, each once */
    size_t wanted_count;
    bool *has_number;      /* of those, which are in the list */
    unsigned next;         /* no number below it is free */
    const char **in_force; /* sorted; NULL: all */
    size_t in_force_count;
    int64_t now_s;
    struct found_list made;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The first of several with one URL before the others. */
static int compare_wanted(const void *a, const void *b)
{
    const struct wanted *left = *(const struct wanted *const *)a;
    const struct wanted *right = *(const struct wanted *const *)b;
    int order = strcmp(left->url, right->url);

    return order != 0 ? order : (left > right) - (left < right);
}

static int compare_url_to_wanted(const void *key, const void *element)
{
    return strcmp(key, (*(const struct wanted *const *)element)->url);
}

static void note_named(struct work *work, const struct config *config)
{
    work->named = xcalloc(config->instance_count, sizeof(*work->named));
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct instance_config *instance = &config->instances[i];
        if (instance->is_found)
            continue;
        work->is_used[instance->number] = true;
        work->named[work->named_count++] = instance->url.text;
    }
    qsort(work->named, work->named_count, sizeof(*work->named), compare_texts);
}

static bool is_named(const struct work *work, const char *url)
{
    return bsearch(&url, work->named, work->named_count, sizeof(*work->named), compare_texts) !=
           NULL;
}

static void note_wanted(struct work *work, const struct wanted *wanted, size_t count)
{
    work->wanted = xcalloc(count, sizeof(*work->wanted));
    work->has_number = xcalloc(count, sizeof(*work->has_number));
    for (size_t i = 0; i < count; i++)
        work->wanted[i] = &wanted[i];
    qsort(work->wanted, count, sizeof(*work->wanted), compare_wanted);
    for (size_t i = 0; i < count; i++) {
        if (work->wanted_count == 0 ||
            strcmp(work->wanted[i]->url, work->wanted[work->wanted_count - 1]->url) != 0)
            work->wanted[work->wanted_count++] = work->wanted[i];
    }
}

static void note_in_force(struct work *work, const struct url_list *in_force)
{
    if (in_force == NULL)
        return;
    work->in_force = xcalloc(in_force->count + 1, sizeof(*work->in_force));
    work->in_force_count = in_force->count;
    for (size_t i = 0; i < in_force->count; i++)
        work->in_force[i] = in_force->urls[i];
    qsort(work->in_force, in_force->count, sizeof(*work->in_force), compare_texts);
}

/* The index among the sorted ones; their count if it isn't there. */
static size_t find_wanted(const struct work *work, const char *url)
{
    const struct wanted **found = bsearch(url, work->wanted, work->wanted_count,
                                          sizeof(*work->wanted), compare_url_to_wanted);

    return found == NULL ? work->wanted_count : (size_t)(found - work->wanted);
}

static unsigned take_lowest(struct work *work)
{
    while (work->next <= INSTANCE_NUMBER_MAX && work->is_used[work->next])
        work->next++;
    if (work->next <= INSTANCE_NUMBER_MAX)
        work->is_used[work->next] = true;
    return work->next;
}

/* Whether one of the old list is there, or is to leave. */
static bool is_kept(const struct work *work, const char *url)
{
    if (is_named(work, url))
        return false;
    return work->in_force == NULL || find_wanted(work, url) < work->wanted_count ||
           bsearch(&url, work->in_force, work->in_force_count, sizeof(*work->in_force),
                   compare_texts) != NULL;
}

/* One of the old list, with this number. */
static void keep(struct work *work, const struct found *old, unsigned number)
{
    size_t at = find_wanted(work, old->url);
    struct found found = *old;

    found.number = number;
    if (at < work->wanted_count) {
        work->has_number[at] = true;
        found.origin = (char *)work->wanted[at]->origin;
        found.left_s = 0;
    } else if (found.left_s == 0) {
        found.left_s = work->now_s;
    }
    found_add(&work->made, &found);
}

static void keep_all(struct work *work, const struct found_list *list)
{
    bool *is_moving = xcalloc(list->count, sizeof(*is_moving));

    /* Those that keep their number first: it is nobody else's then. */
    for (size_t i = 0; i < list->count; i++) {
        unsigned number = list->items[i].number;
        is_moving[i] = work->is_used[number];
        if (is_moving[i] || !is_kept(work, list->items[i].url))
            continue;
        work->is_used[number] = true;
        keep(work, &list->items[i], number);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (is_moving[i] && is_kept(work, list->items[i].url))
            keep(work, &list->items[i], take_lowest(work));
    }
    free(is_moving);
}

/* In the order in which the sources have them. Returns how many had no room. */
static size_t add_new(struct work *work, const struct wanted *wanted, size_t count)
{
    size_t left_over = 0;

    for (size_t i = 0; i < count; i++) {
        size_t at = find_wanted(work, wanted[i].url);
        if (work->has_number[at] || is_named(work, wanted[i].url))
            continue;
        work->has_number[at] = true;
        if (work->named_count + work->made.count >= INSTANCES_MAX) {
            left_over++;
            continue;
        }
        found_add(&work->made, &(struct found){.number = take_lowest(work),
                                               .url = (char *)wanted[i].url,
                                               .origin = (char *)wanted[i].origin});
    }
    return left_over;
}

size_t numbers_assign(struct found_list *list, const struct wanted *wanted, size_t count,
                      const struct numbers_plan *plan)
{
    struct work work = {.next = 1, .now_s = plan->now_s};

    work.is_used = xcalloc(INSTANCE_NUMBER_MAX + 1, sizeof(*work.is_used));
    note_named(&work, plan->config);
    note_in_force(&work, plan->in_force);
    note_wanted(&work, wanted, count);
    keep_all(&work, list);
    size_t left_over = add_new(&work, wanted, count);
    found_free(list);
    *list = work.made;
    found_sort(list);
    free(work.has_number);
    free(work.in_force);
    free(work.wanted);
    free(work.named);
    free(work.is_used);
    return left_over;
}

void numbers_take_out(struct found_list *list, unsigned number)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct found *found = &list->items[i];
        if (found->number == number && found->left_s != 0) {
            free(found->url);
            free(found->origin);
        } else {
            list->items[kept++] = *found;
        }
    }
    list->count = kept;
}
