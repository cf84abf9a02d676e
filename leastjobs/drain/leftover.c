#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "drain/work.h"
#include "exits.h"
#include "names.h"
#include "running/processes.h"

/* Between two looks at jobs that may take hours. */
#define WAIT_MS 250

/* Looks at all; returns how many have jobs left. */
static size_t look(const struct work *work, const struct servers *servers, int64_t asked_ms,
                   bool asks_agent)
{
    int64_t seen_ms = clock_ms();
    size_t left = 0;

    if (asks_agent)
        site_refresh(work->site);
    for (size_t i = 0; i < work->count; i++) {
        struct target *target = &work->targets[i];
        const struct server *server = servers_find(servers, target->number);
        const struct fleet_instance *instance =
            work->site->has_agent ? fleet_view_find(&work->site->view, target->number) : NULL;
        /* One that has left the configuration has left us, too. */
        target->is_done = server == NULL && instance == NULL && work->site->has_agent;
        if (server != NULL) {
            target->is_done = last_jobs_look(&target->jobs, server, asked_ms, instance, seen_ms);
            target->is_back = !server->is_drained && !server->is_in_maintenance;
        }
        left += !target->is_done;
    }
    return left;
}

/* Also while HAProxy is being reloaded, or the agent restarted: then nothing is known for a moment.
 */
size_t leftover_look(const struct work *work, bool asks_agent)
{
    char problem[RUNTIME_PROBLEM_MAX];
    int64_t asked_ms = clock_ms();
    struct servers servers;
    size_t left = work->count;

    if (servers_ask(&servers, work->site->socket, problem) &&
        processes_add_earlier_jobs(&servers, work->site->socket))
        left = look(work, &servers, asked_ms, asks_agent);
    servers_free(&servers);
    return left;
}

void leftover_describe(const struct last_jobs *jobs, char text[LEFTOVER_MAX])
{
    if (jobs->in_flight + jobs->others > 0)
        snprintf(text, LEFTOVER_MAX, "%.0f in flight, %.0f more", jobs->in_flight, jobs->others);
    else if (jobs->is_silent)
        snprintf(text, LEFTOVER_MAX,
                 "none in flight, but its checks fail, so nobody knows of others");
    else
        snprintf(text, LEFTOVER_MAX, "none in flight, a report is to come");
}

static void show_progress(const struct work *work, size_t left, int64_t begin_ms)
{
    char jobs[LEFTOVER_MAX];

    if (!isatty(STDERR_FILENO))
        return;
    for (size_t i = 0; i < work->count; i++) {
        const struct target *target = &work->targets[i];
        if (target->is_done)
            continue;
        leftover_describe(&target->jobs, jobs);
        fprintf(stderr, "\r" INSTANCE_PREFIX "%u: %s", target->number, jobs);
        if (left > 1)
            fprintf(stderr, "; %zu instances more", left - 1);
        fprintf(stderr, "; %lld s\033[K", (long long)(clock_ms() - begin_ms) / 1000);
        return;
    }
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

static int say_what_is_left(const struct work *work)
{
    char jobs[LEFTOVER_MAX];

    for (size_t i = 0; i < work->count; i++) {
        const struct target *target = &work->targets[i];
        leftover_describe(&target->jobs, jobs);
        if (!target->is_done)
            fprintf(stderr, "%s: " INSTANCE_PREFIX "%u: %s; it stays %s\n", work->order->program,
                    target->number, jobs, work->order->state);
    }
    return EXIT_NOT_SO;
}

static bool say_who_is_back(const struct work *work)
{
    bool any = false;

    for (size_t i = 0; i < work->count; i++) {
        if (!work->targets[i].is_back)
            continue;
        fprintf(stderr, "%s: " INSTANCE_PREFIX "%u isn't %s any more: somebody has put it back\n",
                work->order->program, work->targets[i].number, work->order->state);
        any = true;
    }
    return any;
}

int leftover_wait(const struct work *work)
{
    int64_t begin_ms = clock_ms();
    const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
    size_t left;

    while ((left = leftover_look(work, true)) > 0) {
        if (say_who_is_back(work))
            return EXIT_UNREACHABLE;
        show_progress(work, left, begin_ms);
        if (work->timeout_ms > 0 && clock_ms() - begin_ms >= work->timeout_ms) {
            clear_progress();
            return say_what_is_left(work);
        }
        nanosleep(&pause, NULL);
    }
    clear_progress();
    return -1;
}
