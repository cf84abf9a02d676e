#include "run/restarts.h"

void restarts_note_start(struct restarts *restarts, int64_t now_ms)
{
    restarts->started_ms = now_ms;
}

int64_t restarts_note_end(struct restarts *restarts, int64_t now_ms)
{
    int64_t pause_ms = RESTART_FIRST_MS;

    if (now_ms - restarts->started_ms >= RESTART_STEADY_MS)
        restarts->in_a_row = 0;
    unsigned before = restarts->in_a_row++;
    if (before == 0)
        return 0;
    for (unsigned i = 1; i < before && pause_ms < RESTART_MOST_MS; i++)
        pause_ms *= 2;
    return pause_ms < RESTART_MOST_MS ? pause_ms : RESTART_MOST_MS;
}
