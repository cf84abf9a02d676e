#include "names/followed_sources.h"

#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "list.h"
#include "log.h"
#include "names/followed_name.h"
#include "names/list_file.h"
#include "xalloc.h"

struct followed {
    struct followed_name *name;
    bool is_awaited; /* it has come in place of what is held, maybe */
};

struct followed_sources {
    struct event_base *base;
    void (*changed)(void *context);
    void *context;
    struct followed names[GRAMMAR_LIST_MAX]; /* in the order of INSTANCES_DNS */
    size_t name_count;
    struct list_file *file; /* NULL: none */
    bool is_file_awaited;
    bool is_taken; /* a configuration, once: the first one replaces nothing */
};

struct followed_sources *followed_sources_new(struct event_base *base,
                                              void (*changed)(void *context), void *context)
{
    struct followed_sources *sources = xcalloc(1, sizeof(*sources));

    sources->base = base;
    sources->changed = changed;
    sources->context = context;
    return sources;
}

void followed_sources_free(struct followed_sources *sources)
{
    if (sources == NULL)
        return;
    for (size_t i = 0; i < sources->name_count; i++)
        followed_name_free(sources->names[i].name);
    list_file_free(sources->file);
    free(sources);
}

/* --- Who is followed --- */

static bool is_of(const struct found *found, const char *origin)
{
    return found->left_s == 0 && strcmp(found->origin, origin) == 0;
}

/* The one of before, if there was one with this text, else a new one. */
static struct followed take_name(const struct followed_sources *sources, struct followed *old,
                                 size_t count, const char *text, const struct found_list *list)
{
    for (size_t i = 0; i < count; i++) {
        if (old[i].name == NULL || strcmp(followed_name_text(old[i].name), text) != 0)
            continue;
        struct followed same = old[i];
        old[i].name = NULL;
        return same;
    }
    struct followed fresh = {
        .name = followed_name_new(sources->base, text, sources->changed, sources->context),
        .is_awaited = sources->is_taken};
    for (size_t i = 0; i < list->count; i++) {
        if (is_of(&list->items[i], text))
            followed_name_remember(fresh.name, list->items[i].url);
    }
    return fresh;
}

static bool take_names(struct followed_sources *sources, const char *names,
                       const struct found_list *list)
{
    struct followed old[GRAMMAR_LIST_MAX];
    size_t old_count = sources->name_count;
    const char *start;
    size_t length;
    size_t kept = 0;

    memcpy(old, sources->names, sizeof(old));
    sources->name_count = 0;
    while ((start = list_take(&names, &length)) != NULL && sources->name_count < GRAMMAR_LIST_MAX) {
        char *text = xstrndup(start, length);
        sources->names[sources->name_count++] = take_name(sources, old, old_count, text, list);
        free(text);
    }
    for (size_t i = 0; i < old_count; i++) {
        kept += old[i].name == NULL;
        followed_name_free(old[i].name);
    }
    return sources->name_count > kept;
}

static void take_file(struct followed_sources *sources, const char *path,
                      const struct found_list *list, struct errors *errors)
{
    if (path != NULL && sources->file != NULL && strcmp(list_file_path(sources->file), path) == 0)
        return;
    list_file_free(sources->file);
    sources->file = NULL;
    if (path == NULL)
        return;
    sources->file = list_file_new(sources->base, path, sources->changed, sources->context, errors);
    sources->is_file_awaited = sources->is_taken;
    for (size_t i = 0; i < list->count; i++) {
        if (is_of(&list->items[i], path))
            list_file_remember(sources->file, list->items[i].url);
    }
}

static bool is_one(const struct followed_sources *sources, const char *origin)
{
    for (size_t i = 0; i < sources->name_count; i++) {
        if (strcmp(followed_name_text(sources->names[i].name), origin) == 0)
            return true;
    }
    return sources->file != NULL && strcmp(list_file_path(sources->file), origin) == 0;
}

static bool is_holding(const struct followed_sources *sources)
{
    for (size_t i = 0; i < sources->name_count; i++) {
        if (sources->names[i].is_awaited && !followed_name_has_resolved(sources->names[i].name))
            return true;
    }
    return sources->file != NULL && sources->is_file_awaited && !list_file_is_read(sources->file);
}

/* Of a source that isn't there any more. */
static bool is_held(const struct followed_sources *sources, const struct found *found)
{
    return found->left_s == 0 && !is_one(sources, found->origin);
}

/* A file is read at once, so what isn't good now takes its time. */
static void say_held(const struct followed_sources *sources, const struct found_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += is_held(sources, &list->items[i]);
    if (count > 0 && is_holding(sources))
        log_info("INSTANCES_DNS and INSTANCES_FILE are others: %zu instance%s of before stay%s "
                 "until they have been read",
                 count, count == 1 ? "" : "s", count == 1 ? "s" : "");
}

bool followed_sources_take(struct followed_sources *sources, const struct config *config,
                           const struct found_list *list, struct errors *errors)
{
    bool has_new_name = take_names(sources, config->instances_dns, list);

    take_file(sources, config->instances_file, list, errors);
    if (sources->is_taken)
        say_held(sources, list);
    sources->is_taken = true;
    return has_new_name;
}

bool followed_sources_are_answered(const struct followed_sources *sources)
{
    for (size_t i = 0; i < sources->name_count; i++) {
        if (!followed_name_is_answered(sources->names[i].name))
            return false;
    }
    return true;
}

/* --- Whom they have --- */

struct collected {
    struct wanted *items;
    size_t count;
};

static void collect_urls(struct collected *collected, const struct url_list *urls,
                         const char *origin)
{
    collected->items =
        xreallocarray(collected->items, collected->count + urls->count, sizeof(*collected->items));
    for (size_t i = 0; i < urls->count; i++)
        collected->items[collected->count++] =
            (struct wanted){.url = urls->urls[i], .origin = origin};
}

/* Behind the others: who has a source is of that. */
static void collect_held(struct collected *collected, const struct followed_sources *sources,
                         const struct found_list *list)
{
    collected->items =
        xreallocarray(collected->items, collected->count + list->count, sizeof(*collected->items));
    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->items[i];
        if (is_held(sources, found))
            collected->items[collected->count++] =
                (struct wanted){.url = found->url, .origin = found->origin};
    }
}

struct wanted *followed_sources_collect(const struct followed_sources *sources,
                                        const struct found_list *list, size_t *count)
{
    struct collected collected = {0};

    for (size_t i = 0; i < sources->name_count; i++) {
        const struct followed_name *name = sources->names[i].name;
        for (int family = 0; family < NAME_FAMILIES; family++)
            collect_urls(&collected, &followed_name_urls(name)->of[family],
                         followed_name_text(name));
    }
    if (sources->file != NULL)
        collect_urls(&collected, list_file_urls(sources->file), list_file_path(sources->file));
    if (is_holding(sources))
        collect_held(&collected, sources, list);
    *count = collected.count;
    return collected.items;
}
