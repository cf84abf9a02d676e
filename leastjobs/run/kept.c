#include "run/kept.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "run/restarts.h"
#include "xalloc.h"

struct kept {
    struct kept_plan plan;
    struct child child;
    struct restarts restarts;
    struct event *again;
    int64_t ended_ms;
    bool is_released;
};

/* Of what an ended process has left, until it is gone: that is a matter of milliseconds. */
#define CLEAR_AGAIN_MS 5
#define CLEAR_MOST_MS 1000

static void wait_and_start(struct kept *kept, int64_t pause_ms)
{
    struct timeval pause = clock_timeval(pause_ms);

    event_add(kept->again, &pause);
}

static void on_again(evutil_socket_t unused, short what, void *argument)
{
    struct kept *kept = argument;

    (void)unused;
    (void)what;
    if (!child_clear(&kept->child) && clock_ms() - kept->ended_ms < CLEAR_MOST_MS) {
        wait_and_start(kept, CLEAR_AGAIN_MS);
        return;
    }
    int problem = kept_start(kept);
    if (problem == 0)
        return;
    /* No memory, no processes left, the program is being replaced: it may be better later. */
    log_error("leastjobs run: %s can't be started: %s", kept->plan.name, strerror(problem));
    wait_and_start(kept, restarts_note_end(&kept->restarts, clock_ms()) + RESTART_FIRST_MS);
}

struct kept *kept_new(struct event_base *base, const struct kept_plan *plan)
{
    struct kept *kept = xcalloc(1, sizeof(*kept));

    kept->plan = *plan;
    kept->child.name = plan->name;
    kept->again = xalloc_checked(event_new(base, -1, 0, on_again, kept));
    return kept;
}

void kept_free(struct kept *kept)
{
    if (kept == NULL)
        return;
    event_free(kept->again);
    free(kept);
}

int kept_start(struct kept *kept)
{
    const struct child_options options = {
        .death_signal = SIGTERM, .out = -1, .err = -1, .is_impatient = kept->plan.is_impatient};
    int problem = child_start(&kept->child, kept->plan.words, &options);

    restarts_note_start(&kept->restarts, clock_ms());
    if (problem == 0)
        kept->plan.started(kept->plan.context);
    return problem;
}

void kept_release(struct kept *kept)
{
    kept->is_released = true;
    event_del(kept->again);
}

void kept_signal(const struct kept *kept, int number)
{
    child_signal(&kept->child, number);
}

bool kept_is_running(const struct kept *kept)
{
    return kept->child.pid != 0;
}

static void restart(struct kept *kept, int status)
{
    int64_t pause_ms = restarts_note_end(&kept->restarts, clock_ms());
    char end[CHILD_END_MAX];
    char when[32] = "";

    child_describe_end(status, end);
    if (pause_ms > 0)
        snprintf(when, sizeof(when), " in %.2f s", (double)pause_ms / 1000);
    log_warning("leastjobs run: %s %s: it is started again%s; %s", kept->plan.name, end, when,
                kept->plan.meanwhile);
    wait_and_start(kept, pause_ms);
}

bool kept_take(struct kept *kept, pid_t pid, int status)
{
    if (!child_take(&kept->child, pid))
        return false;
    kept->ended_ms = clock_ms();
    child_clear(&kept->child);
    kept->plan.ended(kept->plan.context, status);
    if (!kept->is_released)
        restart(kept, status);
    return true;
}
