#include "run/ports_wait.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "xalloc.h"

#define TRY_AGAIN_MS 50

struct ports_wait {
    struct ports wanted;
    int64_t until_ms;
    struct event *again;
    void (*done)(void *context, bool good);
    void *context;
};

static void try_in(struct ports_wait *wait, int64_t ms)
{
    struct timeval pause = clock_timeval(ms);

    event_add(wait->again, &pause);
}

static void on_again(evutil_socket_t unused, short what, void *argument)
{
    const struct ports none = {0};
    struct ports_wait *wait = argument;
    struct errors errors = {0};
    bool good = ports_try(&wait->wanted, &none, &errors);
    bool is_over = clock_ms() >= wait->until_ms;

    (void)unused;
    (void)what;
    if (!good && is_over)
        errors_print(&errors, "leastjobs run", stderr);
    errors_free(&errors);
    if (good || is_over)
        wait->done(wait->context, good);
    else
        try_in(wait, TRY_AGAIN_MS);
}

struct ports_wait *ports_wait_new(struct event_base *base, const struct config *config,
                                  void (*done)(void *context, bool good), void *context)
{
    struct ports_wait *wait = xcalloc(1, sizeof(*wait));

    wait->wanted = ports_of(config);
    wait->until_ms = clock_ms() + PORTS_PATIENCE_MS;
    wait->done = done;
    wait->context = context;
    wait->again = xalloc_checked(event_new(base, -1, 0, on_again, wait));
    try_in(wait, 0);
    return wait;
}

void ports_wait_free(struct ports_wait *wait)
{
    if (wait == NULL)
        return;
    event_free(wait->again);
    free(wait);
}
