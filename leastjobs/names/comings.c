#include "names/comings.h"

#include <string.h>

#include "log.h"

/* Of those that come or go at a time, how many are named. */
#define NAMED_MAX 8U

static const struct found *find_url(const struct found_list *list, const char *url)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].url, url) == 0)
            return &list->items[i];
    }
    return NULL;
}

static void say_change(const struct found *now, const struct found *before)
{
    bool is_there = now->left_s == 0;
    bool was_there = before != NULL && before->left_s == 0;

    if (is_there && before == NULL)
        log_info("instance=instance%u url=%s has come, by %s", now->number, now->url, now->origin);
    else if (is_there && !was_there)
        log_info("instance=instance%u url=%s is back, by %s", now->number, now->url, now->origin);
    else if (!is_there && was_there)
        log_info(
            "instance=instance%u url=%s is gone from %s: it gets no new jobs, and is taken out "
            "when it has none",
            now->number, now->url, now->origin);
    if (before != NULL && before->number != now->number)
        log_info("instance=instance%u url=%s was instance%u, which an INSTANCE_%u_URL is now",
                 now->number, now->url, before->number, before->number);
}

static bool is_same_found(const struct found *now, const struct found *before)
{
    return before != NULL && now->number == before->number && now->left_s == before->left_s &&
           strcmp(now->origin, before->origin) == 0;
}

bool comings_say(const struct found_list *now, const struct found_list *before)
{
    size_t changes = 0;

    for (size_t i = 0; i < now->count; i++) {
        const struct found *old = find_url(before, now->items[i].url);
        if (is_same_found(&now->items[i], old))
            continue;
        if (changes++ < NAMED_MAX)
            say_change(&now->items[i], old);
    }
    for (size_t i = 0; i < before->count; i++) {
        const struct found *old = &before->items[i];
        if (find_url(now, old->url) == NULL && changes++ < NAMED_MAX)
            log_info("instance=instance%u url=%s isn't a found one any more", old->number,
                     old->url);
    }
    if (changes > NAMED_MAX)
        log_info("%zu more instances have come or gone", changes - NAMED_MAX);
    return changes > 0;
}

void comings_say_taken_out(const struct found_list *now, const struct found_list *before)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct found *old = &before->items[i];
        if (find_url(now, old->url) == NULL)
            log_info("instance=instance%u url=%s is taken out", old->number, old->url);
    }
}
