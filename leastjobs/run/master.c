#include "run/master.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "run/cli.h"
#include "xalloc.h"

#define ASK_AGAIN_MS 50
/* A reload of thousands of servers takes seconds. */
#define RELOAD_MOST_MS 60000
#define LINE_MAX_LENGTH 128

enum stage { ABSENT, STARTING, READY, RELOADING };

struct master {
    struct event_base *base;
    char *path;
    struct master_events events;
    enum stage stage;
    struct event *again;
    struct cli_question *question; /* about all processes; NULL: none is open */
    struct workers before;         /* of the master, as of its last answer before a reload */
    int64_t reload_ms;             /* when that began */
    struct master_round round;     /* of done NULL: none is under way */
    struct workers workers;        /* of the round */
    size_t next;
    struct cli_question *to_worker;
};

static void ask_again(struct master *master)
{
    struct timeval pause = clock_timeval(ASK_AGAIN_MS);

    event_add(master->again, &pause);
}

static void end_round(struct master *master)
{
    struct master_round round = master->round;

    cli_cancel(master->to_worker);
    master->to_worker = NULL;
    master->round.done = NULL;
    if (round.done != NULL)
        round.done(round.context);
}

/* HAProxy has refused what it was to load, or nobody knows what it does. */
static bool has_failed(const struct master *master, const struct workers *now)
{
    return (now->reloads != master->before.reloads && now->failed_reloads > 0) ||
           clock_ms() - master->reload_ms >= RELOAD_MOST_MS;
}

static bool has_new_worker(const struct master *master, const struct workers *now)
{
    return now->reloads != master->before.reloads && now->failed_reloads == 0 &&
           now->current != 0 && now->current != master->before.current;
}

static void look_at_reload(struct master *master, const struct workers *now)
{
    bool good = has_new_worker(master, now);

    if (!good && !has_failed(master, now)) {
        ask_again(master);
        return;
    }
    master->stage = READY;
    master->before = *now;
    master->events.reloaded(master->events.context, good);
}

static void on_processes(void *context, const char *answer, size_t length)
{
    struct master *master = context;
    struct workers now = {0};

    (void)length;
    master->question = NULL;
    if (answer != NULL)
        workers_parse(&now, answer);
    if (now.master != 0 && master->stage == RELOADING) {
        look_at_reload(master, &now);
    } else if (now.master == 0 || now.current == 0) {
        ask_again(master);
    } else {
        master->stage = READY;
        master->before = now;
        master->events.ready(master->events.context);
    }
}

static void on_again(evutil_socket_t unused, short what, void *argument)
{
    struct master *master = argument;

    (void)unused;
    (void)what;
    master->question = cli_ask(master->base, master->path, "show proc", on_processes, master);
    if (master->question == NULL)
        ask_again(master);
}

struct master *master_new(struct event_base *base, const char *path,
                          const struct master_events *events)
{
    struct master *master = xcalloc(1, sizeof(*master));

    master->base = base;
    master->path = xstrdup(path);
    master->events = *events;
    master->again = xalloc_checked(event_new(base, -1, 0, on_again, master));
    return master;
}

static void forget_questions(struct master *master)
{
    event_del(master->again);
    cli_cancel(master->question);
    master->question = NULL;
}

void master_free(struct master *master)
{
    if (master == NULL)
        return;
    master->round.done = NULL;
    end_round(master);
    forget_questions(master);
    event_free(master->again);
    free(master->path);
    free(master);
}

void master_note_start(struct master *master)
{
    master->stage = STARTING;
    ask_again(master);
}

void master_note_end(struct master *master)
{
    master->stage = ABSENT;
    forget_questions(master);
    end_round(master);
}

bool master_is_ready(const struct master *master)
{
    return master->stage == READY;
}

bool master_is_reloading(const struct master *master)
{
    return master->stage == RELOADING;
}

void master_note_reload(struct master *master)
{
    master->stage = RELOADING;
    master->reload_ms = clock_ms();
    ask_again(master);
}

static void ask_next(struct master *master);

static void on_worker(void *context, const char *answer, size_t length)
{
    struct master *master = context;

    (void)length;
    master->to_worker = NULL;
    if (answer != NULL)
        master->round.answered(master->round.context, master->workers.all[master->next - 1],
                               answer);
    ask_next(master);
}

static void ask_next(struct master *master)
{
    char line[LINE_MAX_LENGTH];

    while (master->next < master->workers.count && master->to_worker == NULL) {
        snprintf(line, sizeof(line), "@!%d %s", (int)master->workers.all[master->next++],
                 master->round.command);
        master->to_worker = cli_ask(master->base, master->path, line, on_worker, master);
    }
    if (master->to_worker == NULL)
        end_round(master);
}

static void on_round(void *context, const char *answer, size_t length)
{
    struct master *master = context;

    (void)length;
    master->to_worker = NULL;
    master->next = 0;
    workers_parse(&master->workers, answer == NULL ? "" : answer);
    ask_next(master);
}

void master_ask_workers(struct master *master, const struct master_round *round)
{
    cli_cancel(master->to_worker);
    master->round = *round;
    master->to_worker = cli_ask(master->base, master->path, "show proc", on_round, master);
    if (master->to_worker == NULL)
        end_round(master);
}

static void ignore_answer(void *context, const char *answer, size_t length)
{
    (void)context;
    (void)answer;
    (void)length;
}

void master_tell(struct master *master, const char *line)
{
    cli_ask(master->base, master->path, line, ignore_answer, NULL);
}
