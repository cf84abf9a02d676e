#include "drain/force.h"

#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "drain/hold.h"
#include "exits.h"
#include "running/processes.h"

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

static int say_not_in_force(const struct work *work, bool is_in_force_now)
{
    if (is_in_force_now)
        fprintf(
            stderr,
            "%s: after %d s HAProxy is still being reloaded: it may forget this: say it again\n",
            work->order->program, FORCE_MS / 1000);
    else
        fprintf(stderr,
                "%s: HAProxy has it, but it isn't in force after %d s: the agent, which makes it "
                "so, may not reach HAProxy: see its log and 'leastjobs status'\n",
                work->order->program, FORCE_MS / 1000);
    return EXIT_UNREACHABLE;
}

static bool say(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        if (!order_say(work->order, work->site->operators, work->targets[i].number))
            return false;
    }
    return true;
}

/* HAProxy's sockets are asked until they say so. */
int force_order(const struct work *work)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int64_t end_ms = clock_ms() + FORCE_MS;
    struct hold hold = {0};
    struct servers servers;

    for (;;) {
        int64_t now_ms = clock_ms();
        if (!site_ask_servers(work->site, &servers, work->order->program))
            return EXIT_UNREACHABLE;
        bool is_so = is_in_force(work, &servers);
        /* First the order: the answer may be late. */
        pid_t current =
            servers.process == hold.process ? processes_ask_current(work->site->socket) : 0;
        enum hold_sight sight = hold_look(&hold, servers.process, current, now_ms);
        servers_free(&servers);
        if (sight == HOLD_SURE && is_so)
            return -1;
        if (sight == HOLD_NEW && !say(work))
            return EXIT_UNREACHABLE;
        if (now_ms > end_ms)
            return say_not_in_force(work, is_so);
        nanosleep(&pause, NULL);
    }
}
