#include "drain/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "running/runtime.h"
#include "xalloc.h"

#define SHOWN_MAX 200

/* The agent makes the weight 0, which is what the rules see; one that is down gets none anyway. */
static bool is_drain_in_force(const struct server *server, bool has_agent)
{
    (void)has_agent;
    return server->is_drained && (server->weight == 0 || !server->is_up);
}

static bool is_maint_in_force(const struct server *server, bool has_agent)
{
    (void)has_agent;
    return server->is_in_maintenance;
}

static bool is_ready_in_force(const struct server *server, bool has_agent)
{
    return !server->is_drained && !server->is_in_maintenance &&
           (server->weight > 0 || !has_agent || !server->is_up);
}

const struct order order_drain = {
    .program = "leastjobs drain",
    .purpose = "Takes instances out: they get no new jobs, and end those that they have.",
    .word = "drain",
    .state = "drained",
    .needs_agent = true,
    .can_wait = true,
    .is_in_force = is_drain_in_force,
};

const struct order order_maint = {
    .program = "leastjobs maint",
    .purpose =
        "Takes instances out, as drain does, and HAProxy's own checks of them stop; HAProxy\n"
        "heeds it also while the agent is dead.",
    .word = "maint",
    .state = "in maintenance",
    .can_wait = true,
    .is_in_force = is_maint_in_force,
};

const struct order order_ready = {
    .program = "leastjobs ready",
    .purpose = "Puts instances back that were drained or in maintenance: they get jobs again.",
    .word = "ready",
    .state = "ready",
    .is_in_force = is_ready_in_force,
};

bool order_say(const struct order *order, const char *socket, unsigned number)
{
    char problem[RUNTIME_PROBLEM_MAX];
    char *command = xasprintf("set server " BACKEND_NAME "/" INSTANCE_PREFIX "%u state %s", number,
                              order->word);
    char *answer = runtime_ask(socket, command, problem);
    bool is_good = answer != NULL && strspn(answer, "\n ") == strlen(answer);

    if (answer == NULL)
        fprintf(stderr, "%s: HAProxy can't be told on %s: %s\n", order->program, socket, problem);
    else if (!is_good)
        fprintf(stderr, "%s: HAProxy refuses it for " INSTANCE_PREFIX "%u: %.*s\n", order->program,
                number,
                (int)strcspn(answer, "\n") < SHOWN_MAX ? (int)strcspn(answer, "\n") : SHOWN_MAX,
                answer);
    free(answer);
    free(command);
    return is_good;
}
