#include "run/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "run/workers.h"
#include "xalloc.h"

/* A master that is still starting would be ended by a signal, but has no jobs yet: it gets so long.
 * One that reloads has jobs, in its workers: it gets the time of these. */
#define MASTER_PATIENCE_MS 3000
#define MASTER_ASK_MS 50
/* For the workers' answers. */
#define ASKED_MS 1000
/* After jobs have been cut off, until HAProxy is ended, and until it is killed. */
#define CUT_MS 1000
#define TERM_MS 2000
/* The agent's, and that of others. */
#define LAST_MS 3000
/* HAProxy's buffer has room for a line of 16 KiB. */
#define SESSIONS_PER_LINE 200
#define CHILDREN_FILE "/proc/thread-self/children"

enum stage {
    NOT_BEGUN,
    WANTED, /* the master can't be told yet */
    ASKED,  /* its workers are asked for their jobs */
    SOFT,   /* open jobs may end */
    CUT,    /* they are being cut off */
    TERM,   /* HAProxy has been told to end */
    KILL,
    AGENT,  /* HAProxy has ended, the agent has been told to */
    OTHERS, /* both have */
    DONE,
};

struct stop {
    struct stop_parts parts;
    enum stage stage;
    struct event *timer;
    int64_t wanted_ms;
    unsigned timeout_ms;
    unsigned long open_jobs;
};

static void wait_for(struct stop *stop, int64_t ms)
{
    struct timeval pause = clock_timeval(ms);

    event_add(stop->timer, &pause);
}

/* --- jobs */

static void cut_sessions(void *context, pid_t worker, const char *answer)
{
    struct stop *stop = context;
    char session[SESSION_MAX];

    while (answer != NULL) {
        char *line = NULL;
        size_t size = 0;
        FILE *memory = xalloc_checked(open_memstream(&line, &size));
        unsigned count = 0;
        while (count < SESSIONS_PER_LINE &&
               (answer = workers_next_session(answer, session)) != NULL) {
            fprintf(memory, "@!%d shutdown session %s;", (int)worker, session);
            count++;
        }
        fclose(memory);
        if (count > 0)
            master_tell(stop->parts.master, line);
        free(line);
    }
}

static void after_cut(void *context)
{
    (void)context; /* HAProxy ends by itself, or when the time is over */
}

static void cut(struct stop *stop)
{
    const struct master_round round = {
        .command = "show sess", .answered = cut_sessions, .done = after_cut, .context = stop};

    stop->stage = CUT;
    wait_for(stop, CUT_MS);
    master_ask_workers(stop->parts.master, &round);
}

static void count_jobs(void *context, pid_t worker, const char *answer)
{
    struct stop *stop = context;

    (void)worker;
    stop->open_jobs += workers_count_jobs(answer);
}

static void say_jobs(const struct stop *stop)
{
    if (stop->open_jobs > 0)
        log_info("leastjobs run: %lu job%s open, which may end within %.0f s; Ctrl-C again (or "
                 "SIGTERM) stops at once",
                 stop->open_jobs, stop->open_jobs == 1 ? " is" : "s are",
                 (double)stop->timeout_ms / 1000);
}

/* SIGUSR1 is HAProxy's soft stop; the master tells its workers, those of earlier reloads too. */
static void soften(struct stop *stop)
{
    stop->stage = SOFT;
    kept_signal(stop->parts.haproxy, SIGUSR1);
    if (stop->timeout_ms == 0) {
        cut(stop);
        return;
    }
    wait_for(stop, stop->timeout_ms);
    say_jobs(stop);
}

static void on_counted(void *context)
{
    struct stop *stop = context;

    if (stop->stage == ASKED)
        soften(stop);
}

/* The master has a new worker as soon as it has forked it; but HAProxy 2.6 may crash, with all jobs
 * of all workers, by a soft stop that comes before that one runs: before it answers.
 */
static void ask(struct stop *stop)
{
    const struct master_round round = {.command = "show stat farm 4 -1",
                                       .answered = count_jobs,
                                       .done = on_counted,
                                       .context = stop};

    stop->stage = ASKED;
    wait_for(stop, ASKED_MS);
    master_ask_workers(stop->parts.master, &round);
}

/* --- processes */

static void terminate(struct stop *stop)
{
    stop->stage = TERM;
    kept_signal(stop->parts.haproxy, SIGTERM);
    wait_for(stop, TERM_MS);
}

static unsigned patience_ms(const struct stop *stop)
{
    bool has_jobs = master_is_reloading(stop->parts.master);

    return has_jobs && stop->timeout_ms > MASTER_PATIENCE_MS ? stop->timeout_ms
                                                             : MASTER_PATIENCE_MS;
}

/* What the master has taken of the time is gone. */
static void ask_at_last(struct stop *stop, int64_t waited_ms)
{
    stop->timeout_ms = waited_ms < stop->timeout_ms ? stop->timeout_ms - (unsigned)waited_ms : 0;
    ask(stop);
}

static void try_to_soften(struct stop *stop)
{
    int64_t waited_ms = clock_ms() - stop->wanted_ms;

    if (master_is_ready(stop->parts.master)) {
        ask_at_last(stop, waited_ms);
    } else if (waited_ms < patience_ms(stop)) {
        wait_for(stop, MASTER_ASK_MS);
    } else {
        if (master_is_reloading(stop->parts.master))
            log_warning("leastjobs run: HAProxy is still reloading: open jobs are cut off");
        terminate(stop);
    }
}

/* Children that others have left to us, too. Their numbers stand there with blanks between. */
static void signal_children(int number)
{
    FILE *file = fopen(CHILDREN_FILE, "re");
    char *word = NULL;
    size_t size = 0;

    if (file == NULL)
        return;
    while (getdelim(&word, &size, ' ', file) > 0) {
        long pid = strtol(word, NULL, 10);
        if (pid > 1)
            kill((pid_t)pid, number);
    }
    free(word);
    fclose(file);
}

static bool has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static void finish(struct stop *stop)
{
    stop->stage = DONE;
    event_del(stop->timer);
    stop->parts.done(stop->parts.context);
}

void stop_note_end(struct stop *stop)
{
    if (stop->stage == NOT_BEGUN || stop->stage == DONE)
        return;
    if (stop->stage < AGENT && !kept_is_running(stop->parts.haproxy)) {
        stop->stage = AGENT;
        kept_signal(stop->parts.agent, SIGTERM);
        wait_for(stop, LAST_MS);
    }
    if (stop->stage == AGENT && !kept_is_running(stop->parts.agent)) {
        stop->stage = OTHERS;
        signal_children(SIGTERM);
        wait_for(stop, LAST_MS);
    }
    if (stop->stage == OTHERS && !has_children())
        finish(stop);
}

static void on_timer(evutil_socket_t unused, short what, void *argument)
{
    struct stop *stop = argument;

    (void)unused;
    (void)what;
    switch (stop->stage) {
    case WANTED:
        try_to_soften(stop);
        break;
    case ASKED:
        soften(stop);
        break;
    case SOFT:
        log_warning("leastjobs run: STOP_TIMEOUT is over: open jobs are cut off");
        cut(stop);
        break;
    case CUT:
        terminate(stop);
        break;
    case TERM:
        stop->stage = KILL;
        kept_signal(stop->parts.haproxy, SIGKILL);
        break;
    case AGENT:
        kept_signal(stop->parts.agent, SIGKILL);
        break;
    case OTHERS:
        signal_children(SIGKILL);
        finish(stop);
        break;
    default:
        break;
    }
}

struct stop *stop_new(const struct stop_parts *parts)
{
    struct stop *stop = xcalloc(1, sizeof(*stop));

    stop->parts = *parts;
    stop->timer = xalloc_checked(event_new(parts->base, -1, 0, on_timer, stop));
    return stop;
}

void stop_free(struct stop *stop)
{
    if (stop == NULL)
        return;
    event_free(stop->timer);
    free(stop);
}

bool stop_has_begun(const struct stop *stop)
{
    return stop->stage != NOT_BEGUN;
}

void stop_begin(struct stop *stop, unsigned timeout_ms)
{
    if (stop_has_begun(stop))
        return;
    stop->timeout_ms = timeout_ms;
    stop->wanted_ms = clock_ms();
    stop->stage = WANTED;
    kept_release(stop->parts.haproxy);
    kept_release(stop->parts.agent);
    if (kept_is_running(stop->parts.haproxy))
        try_to_soften(stop);
    else
        stop_note_end(stop);
}

void stop_at_once(struct stop *stop)
{
    stop_begin(stop, 0);
    if (stop->stage == SOFT)
        cut(stop);
    else if (stop->stage == WANTED || stop->stage == ASKED)
        stop->timeout_ms = 0;
    else if (stop->stage == CUT)
        terminate(stop);
}
