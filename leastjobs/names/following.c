#include "names/following.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "found.h"
#include "log.h"
#include "names/comings.h"
#include "names/departures.h"
#include "names/followed_sources.h"
#include "names/health_question.h"
#include "names/numbers.h"
#include "names/question.h"
#include "xalloc.h"

#define TICK_MS 1000

struct following {
    struct event_base *base;
    const struct config *config;
    struct following_events events;
    struct followed_sources *sources;
    struct found_list list; /* as it is written, or to be written */
    /* The URLs that somebody may have jobs by: of the configuration in force. */
    struct url_list in_force;
    bool is_written;
    int problem; /* errno of the last failure to write; 0: none */
    size_t left_over;
    bool is_active;  /* there is something to be followed, or somebody leaving */
    bool is_waiting; /* for the first answer of a name: until then nothing that was there is gone */
    bool is_settled; /* in_force is known */
    struct event *settling; /* the time limit of waiting */
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
    size_t count = 0;
    struct wanted *wanted = followed_sources_collect(following->sources, &following->list, &count);

    found_copy(&before, &following->list);
    const struct numbers_plan plan = {.config = following->config,
                                      .in_force =
                                          following->is_settled ? &following->in_force : NULL,
                                      .now_s = (int64_t)time(NULL)};
    size_t left_over = numbers_assign(&following->list, wanted, count, &plan);
    say_left_over(following, left_over);
    bool is_changed = comings_say(&following->list, &before);
    if (is_changed || !following->is_written)
        write_list(following);
    found_free(&before);
    free(wanted);
    return is_changed;
}

/* What has been read of the configuration comes into force now. */
static void note_in_force(struct following *following)
{
    const struct config *config = following->config;

    url_list_free(&following->in_force);
    for (size_t i = 0; i < config->instance_count; i++)
        url_list_add(&following->in_force, config->instances[i].url.text);
}

/* At the start the configuration was read before the first answers came. */
static void settle(struct following *following)
{
    if (following->is_settled)
        return;
    note_in_force(following);
    for (size_t i = 0; i < following->list.count; i++)
        url_list_add(&following->in_force, following->list.items[i].url);
    following->is_settled = true;
    following->events.settled(following->events.context);
}

/* The answers that were waited for are there, or it was long enough. */
static void go_on(struct following *following)
{
    bool was_waiting = following->is_waiting;

    following->is_waiting = false;
    event_del(following->settling);
    bool is_changed = following->is_active && renew(following);
    if (is_changed || was_waiting)
        following->events.changed(following->events.context);
    settle(following);
}

static void on_source(void *context)
{
    struct following *following = context;

    if (!following->is_waiting || followed_sources_are_answered(following->sources))
        go_on(following);
}

/* Names that hang keep nobody from starting, and hold back no other change. */
static void on_settling(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    go_on(argument);
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

/* --- The configuration --- */

/*
 * Without anybody the file is empty, and its being there says that somebody will find what comes.
 * What is still leaving is there though no source is.
 */
static void take_sources(struct following *following, struct errors *errors)
{
    const struct timeval limit = clock_timeval(FOLLOWING_START_MS);
    bool has_new_name =
        followed_sources_take(following->sources, following->config, &following->list, errors);

    following->is_active = config_finds_instances(following->config) || following->list.count > 0;
    following->is_waiting = (following->is_waiting || has_new_name) &&
                            !followed_sources_are_answered(following->sources);
    if (following->is_waiting && has_new_name)
        evtimer_add(following->settling, &limit);
    if (!following->is_active || following->is_waiting)
        write_list(following);
}

struct following *following_new(struct event_base *base, const struct config *config,
                                const struct following_events *events, struct errors *errors)
{
    struct following *following = xcalloc(1, sizeof(*following));
    static const struct timeval at_once = {0};
    struct timeval pause = clock_timeval(TICK_MS);
    size_t before = errors->count;

    following->base = base;
    following->config = config;
    following->events = *events;
    following->sources = followed_sources_new(base, on_source, following);
    following->departures = departures_new();
    following->settling = xalloc_checked(evtimer_new(base, on_settling, following));
    following->tick = xalloc_checked(event_new(base, -1, EV_PERSIST, on_tick, following));
    if (!question_set_up())
        errors_add(errors, "c-ares can't be set up");
    remember(following);
    take_sources(following, errors);
    if (errors->count > before) {
        following_free(following);
        return NULL;
    }
    event_add(following->tick, &pause);
    if (!following->is_waiting)
        evtimer_add(following->settling, &at_once);
    return following;
}

void following_free(struct following *following)
{
    if (following == NULL)
        return;
    health_question_cancel(following->question);
    followed_sources_free(following->sources);
    departures_free(following->departures);
    found_free(&following->list);
    url_list_free(&following->in_force);
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
    if (following->is_active && renew(following)) {
        following->events.changed(following->events.context);
        return true;
    }
    note_in_force(following);
    return false;
}

bool following_drop_leaving(struct following *following)
{
    size_t count = following->list.count;

    for (size_t i = count; i > 0; i--)
        numbers_take_out(&following->list, following->list.items[i - 1].number);
    if (following->list.count == count)
        return false;
    log_warning("%zu instances that were leaving when it was stopped are left out",
                count - following->list.count);
    write_list(following);
    return true;
}

void following_keep_file(struct following *following)
{
    char *path = found_path(following->config);

    if (access(path, F_OK) != 0)
        write_list(following);
    free(path);
}
