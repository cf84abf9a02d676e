#include "names/following.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "found.h"
#include "grammar.h"
#include "list.h"
#include "log.h"
#include "names/comings.h"
#include "names/departures.h"
#include "names/followed_name.h"
#include "names/health_question.h"
#include "names/list_file.h"
#include "names/numbers.h"
#include "names/question.h"
#include "xalloc.h"

#define TICK_MS 1000

struct following {
    struct event_base *base;
    const struct config *config;
    struct following_events events;
    struct followed_name *names[GRAMMAR_LIST_MAX]; /* in the order of INSTANCES_DNS */
    size_t name_count;
    struct list_file *file; /* NULL: none */
    struct found_list list; /* as it is written, or to be written */
    bool is_written;
    int problem; /* errno of the last failure to write; 0: none */
    size_t left_over;
    bool is_active;  /* there is something to be followed */
    bool is_waiting; /* for the first answer of a name: until then nothing that was there is gone */
    bool is_settled;
    struct event *settling; /* the time limit of the start */
    struct event *tick;
    struct departures *departures;
    struct health_question *question; /* to the agent, under way; NULL: none */
};

/* --- The file --- */

static void write_list(struct following *following)
{
    following->is_written = found_write(&following->list, following->config);
    int problem = following->is_written ? 0 : errno;
    if (problem != 0 && problem != following->problem) {
        char *path = found_path(following->config);
        log_error("%s can't be written: %s: what is found isn't in force", path, strerror(problem));
        free(path);
    }
    following->problem = problem;
}

static void remember(struct following *following)
{
    struct errors ignored = {0}; /* the configuration has been read with it */
    bool is_there;

    found_read(&following->list, following->config, &is_there, &ignored);
    errors_free(&ignored);
}

/* --- What the sources have --- */

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

static struct collected collect(const struct following *following)
{
    struct collected collected = {0};

    for (size_t i = 0; i < following->name_count; i++) {
        const struct followed_name *name = following->names[i];
        for (int family = 0; family < NAME_FAMILIES; family++)
            collect_urls(&collected, &followed_name_urls(name)->of[family],
                         followed_name_text(name));
    }
    if (following->file != NULL)
        collect_urls(&collected, list_file_urls(following->file), list_file_path(following->file));
    return collected;
}

static void say_left_over(struct following *following, size_t left_over)
{
    if (left_over > 0 && following->left_over == 0)
        log_warning("%zu instances that were found are left out: at most %d are supported",
                    left_over, INSTANCES_MAX);
    following->left_over = left_over;
}

/* Returns whether the list has changed; then it is written. */
static bool renew(struct following *following)
{
    struct found_list before = {0};
    struct collected collected = collect(following);

    found_copy(&before, &following->list);
    size_t left_over = numbers_assign(&following->list, collected.items, collected.count,
                                      following->config, (int64_t)time(NULL));
    say_left_over(following, left_over);
    bool is_changed = comings_say(&following->list, &before);
    if (is_changed || !following->is_written)
        write_list(following);
    found_free(&before);
    free(collected.items);
    return is_changed;
}

static void settle(struct following *following)
{
    if (following->is_settled)
        return;
    following->is_settled = true;
    event_del(following->settling);
    following->events.settled(following->events.context);
}

static bool are_all_answered(const struct following *following)
{
    for (size_t i = 0; i < following->name_count; i++) {
        if (!followed_name_is_answered(following->names[i]))
            return false;
    }
    return true;
}

static void on_source(void *context)
{
    struct following *following = context;

    bool was_waiting = following->is_waiting;

    if (was_waiting && !are_all_answered(following))
        return;
    following->is_waiting = false;
    if (renew(following) || was_waiting)
        following->events.changed(following->events.context);
    settle(following);
}

/* Names that hang keep nobody from starting. */
static void on_settling(evutil_socket_t fd, short what, void *argument)
{
    struct following *following = argument;

    (void)fd;
    (void)what;
    following->is_waiting = false;
    if (following->is_active)
        renew(following);
    settle(following);
}

/* --- Those that are leaving --- */

static void on_health(void *context, const char *body, size_t length)
{
    struct following *following = context;
    struct found_list before = {0};

    following->question = NULL;
    if (body == NULL)
        return;
    found_copy(&before, &following->list);
    if (departures_take(following->departures, &following->list, body, length, clock_ms()) > 0) {
        comings_say_taken_out(&following->list, &before);
        write_list(following);
        following->events.changed(following->events.context);
    }
    found_free(&before);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct following *following = argument;

    (void)fd;
    (void)what;
    if (!following->is_written) {
        write_list(following);
        if (following->is_written)
            following->events.changed(following->events.context);
    }
    if (following->question == NULL && departures_has_any(&following->list))
        following->question =
            health_question_ask(following->base, following->config, on_health, following);
}

/* --- The sources themselves --- */

/* The one of before, if there was one with this text, else a new one. */
static struct followed_name *take_name(struct following *following, struct followed_name **old,
                                       size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (old[i] == NULL || strcmp(followed_name_text(old[i]), text) != 0)
            continue;
        struct followed_name *name = old[i];
        old[i] = NULL;
        return name;
    }
    struct followed_name *name = followed_name_new(following->base, text, on_source, following);
    for (size_t i = 0; i < following->list.count; i++) {
        const struct found *found = &following->list.items[i];
        if (found->left_s == 0 && strcmp(found->origin, text) == 0)
            followed_name_remember(name, found->url);
    }
    return name;
}

static void take_names(struct following *following)
{
    struct followed_name *old[GRAMMAR_LIST_MAX];
    size_t old_count = following->name_count;
    const char *rest = following->config->instances_dns;
    const char *start;
    size_t length;

    memcpy(old, following->names, sizeof(old));
    following->name_count = 0;
    while ((start = list_take(&rest, &length)) != NULL &&
           following->name_count < GRAMMAR_LIST_MAX) {
        char *text = xstrndup(start, length);
        following->names[following->name_count++] = take_name(following, old, old_count, text);
        free(text);
    }
    for (size_t i = 0; i < old_count; i++)
        followed_name_free(old[i]);
}

static void take_file(struct following *following, struct errors *errors)
{
    const char *path = following->config->instances_file;

    if (path != NULL && following->file != NULL &&
        strcmp(list_file_path(following->file), path) == 0)
        return;
    list_file_free(following->file);
    following->file = NULL;
    if (path == NULL)
        return;
    following->file = list_file_new(following->base, path, on_source, following, errors);
    for (size_t i = 0; i < following->list.count; i++) {
        const struct found *found = &following->list.items[i];
        if (found->left_s == 0 && strcmp(found->origin, path) == 0)
            list_file_remember(following->file, found->url);
    }
}

/*
 * Those of the configuration, beside what is remembered. Without any the file is empty, and its
 * being there says that somebody will find what comes.
 */
static void take_sources(struct following *following, struct errors *errors)
{
    bool was_active = following->is_active;

    following->is_active = config_finds_instances(following->config);
    if (following->is_active && !was_active)
        remember(following);
    if (!following->is_active)
        found_free(&following->list);
    take_names(following);
    take_file(following, errors);
    following->is_waiting = !are_all_answered(following);
    if (!following->is_active || following->is_waiting)
        write_list(following);
}

struct following *following_new(struct event_base *base, const struct config *config,
                                const struct following_events *events, struct errors *errors)
{
    struct following *following = xcalloc(1, sizeof(*following));
    struct timeval limit = clock_timeval(FOLLOWING_START_MS);
    struct timeval pause = clock_timeval(TICK_MS);
    size_t before = errors->count;

    following->base = base;
    following->config = config;
    following->events = *events;
    following->departures = departures_new();
    following->settling = xalloc_checked(evtimer_new(base, on_settling, following));
    following->tick = xalloc_checked(event_new(base, -1, EV_PERSIST, on_tick, following));
    if (!question_set_up())
        errors_add(errors, "c-ares can't be set up");
    take_sources(following, errors);
    if (errors->count > before) {
        following_free(following);
        return NULL;
    }
    if (!following->is_waiting)
        limit = (struct timeval){0};
    event_add(following->tick, &pause);
    evtimer_add(following->settling, &limit);
    return following;
}

void following_free(struct following *following)
{
    if (following == NULL)
        return;
    health_question_cancel(following->question);
    for (size_t i = 0; i < following->name_count; i++)
        followed_name_free(following->names[i]);
    list_file_free(following->file);
    departures_free(following->departures);
    found_free(&following->list);
    event_free(following->settling);
    event_free(following->tick);
    question_tear_down();
    free(following);
}

bool following_take_config(struct following *following, const struct config *config)
{
    struct errors errors = {0};

    following->config = config;
    take_sources(following, &errors);
    for (size_t i = 0; i < errors.count; i++)
        log_error("%s", errors.errors[i]);
    errors_free(&errors);
    if (following->is_waiting)
        return true;
    if (!following->is_active || !renew(following))
        return false;
    following->events.changed(following->events.context);
    return true;
}
