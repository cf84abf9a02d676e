#include "haproxy/presence.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

/* Whether that is news. */
static bool change(struct presence *presence, bool is_present)
{
    if (presence->is_known && presence->is_present == is_present)
        return false;
    /* A failure between two answers has changed nothing. */
    if (presence->since.tv_sec == 0 || presence->is_present != is_present)
        presence->since = clock_now().wall;
    presence->is_known = true;
    presence->problem[0] = '\0';
    presence->is_present = is_present;
    return true;
}

void presence_answered(struct presence *presence)
{
    presence->answers++;
    if (change(presence, true))
        log_info("HAProxy answers on %s", presence->socket);
}

void presence_absent(struct presence *presence, const char *problem)
{
    if (!change(presence, false))
        return;
    snprintf(presence->problem, sizeof(presence->problem), "%s", problem);
    log_info("HAProxy doesn't answer on %s (%s): its requests in flight count as 0",
             presence->socket, problem);
}

void presence_failed(struct presence *presence, const char *problem)
{
    presence->failures++;
    if (strcmp(presence->problem, problem) == 0)
        return;
    snprintf(presence->problem, sizeof(presence->problem), "%s", problem);
    presence->is_known = false;
    log_warning("HAProxy can't be asked on %s: %s: the last counts are kept", presence->socket,
                problem);
}
