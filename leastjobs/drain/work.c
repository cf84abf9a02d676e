#include "drain/work.h"

#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "exits.h"
#include "names.h"

/* The agent sees a drain within a second, and tells the weight within another. */
#define FORCE_MS 5000
#define LOOK_MS 100

static bool is_in_force(const struct work *work, const struct servers *servers)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct server *server = servers_find(servers, work->targets[i].number);
        if (server != NULL && !work->order->is_in_force(server, work->site->has_agent))
            return false;
    }
    return true;
}

static int say_not_in_force(const struct work *work)
{
    fprintf(stderr,
            "%s: HAProxy has it, but it isn't in force after %d s: the agent, which makes it so, "
            "may not reach HAProxy: see its log and 'leastjobs status'\n",
            work->order->program, FORCE_MS / 1000);
    return EXIT_UNREACHABLE;
}

/* HAProxy's socket is asked until it says so. -1 to go on. */
static int await_force(const struct work *work)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int64_t end_ms = clock_ms() + FORCE_MS;
    struct servers servers;

    for (;;) {
        if (!site_ask_servers(work->site, &servers, work->order->program))
            return EXIT_UNREACHABLE;
        bool is_done = is_in_force(work, &servers);
        servers_free(&servers);
        if (is_done)
            return -1;
        if (clock_ms() > end_ms)
            return say_not_in_force(work);
        nanosleep(&pause, NULL);
    }
}

/* -1 to go on. */
static int tell(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        if (!order_say(work->order, work->site->operators, work->targets[i].number))
            return EXIT_UNREACHABLE;
    }
    return await_force(work);
}

static void warn_if_nobody_is_left(const struct work *work, const struct servers *servers)
{
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->all[i].is_up && servers->all[i].weight > 0)
            return;
    }
    fprintf(stderr, "%s: warning: no instance takes jobs now: clients get 503\n",
            work->order->program);
}

static void print_result(const struct work *work, const struct target *target,
                         const struct server *server)
{
    char jobs[LEFTOVER_MAX];

    printf(INSTANCE_PREFIX "%u is %s", target->number, work->order->state);
    leftover_describe(&target->jobs, jobs);
    if (work->waits)
        printf(", and its last job has ended");
    else if (work->order->can_wait && target->jobs.in_flight + target->jobs.others > 0)
        printf("; jobs left: %s", jobs);
    else if (work->order->can_wait && work->site->has_agent)
        printf("; no job is known there");
    else if (!work->order->can_wait && server != NULL && !server->is_up)
        printf(", but %s", server->status);
    printf("\n");
}

static int print_results(const struct work *work)
{
    struct servers servers;

    if (!site_ask_servers(work->site, &servers, work->order->program))
        return EXIT_UNREACHABLE;
    if (!work->waits)
        leftover_look(work);
    for (size_t i = 0; i < work->count; i++)
        print_result(work, &work->targets[i], servers_find(&servers, work->targets[i].number));
    fflush(stdout);
    warn_if_nobody_is_left(work, &servers);
    servers_free(&servers);
    return ferror(stdout) ? EXIT_UNREACHABLE : 0;
}

static int refuse_without_agent(const struct work *work)
{
    const struct order *order = work->order;

    if (work->site->has_agent || !(order->needs_agent || work->waits))
        return -1;
    fprintf(stderr, "%s: %s\n", order->program, work->site->problem);
    if (order->needs_agent)
        fprintf(stderr,
                "%s: a drain is put in force by the agent: nothing was changed. 'leastjobs maint' "
                "takes an instance out without it\n",
                order->program);
    else
        fprintf(stderr, "%s: what --wait waits for, the agent knows: nothing was changed\n",
                order->program);
    return EXIT_UNREACHABLE;
}

/* It would never be in force: who leaves comes back when it is found again. -1 to go on. */
static int refuse_for_leaving(const struct work *work)
{
    for (size_t i = 0; i < work->count && work->order == &order_ready; i++) {
        const struct fleet_instance *instance =
            work->site->has_agent ? fleet_view_find(&work->site->view, work->targets[i].number)
                                  : NULL;
        if (instance == NULL || !instance->is_leaving)
            continue;
        fprintf(stderr,
                "%s: " INSTANCE_PREFIX "%u is leaving: where it was found, it is no more; nothing "
                "was changed\n",
                work->order->program, instance->number);
        return EXIT_UNREACHABLE;
    }
    return -1;
}

int work_carry_out(const struct work *work)
{
    int status = refuse_without_agent(work);

    if (status < 0)
        status = refuse_for_leaving(work);

    if (status < 0 && work->waits)
        leftover_look(work);
    if (status < 0)
        status = tell(work);
    if (status < 0 && work->waits)
        status = leftover_wait(work);
    if (status < 0)
        status = print_results(work);
    return status;
}
