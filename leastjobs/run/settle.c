#include "run/settle.h"

void settle_note_change(struct settle *settle, int64_t now_ms)
{
    if (!settle->is_pending)
        settle->first_ms = now_ms;
    settle->is_pending = true;
    settle->last_ms = now_ms;
}

void settle_note_reload(struct settle *settle, int64_t now_ms)
{
    settle->earliest_ms = now_ms + SETTLE_GAP_MS;
}

bool settle_take(struct settle *settle, int64_t now_ms)
{
    bool is_quiet =
        now_ms - settle->last_ms >= SETTLE_QUIET_MS || now_ms - settle->first_ms >= SETTLE_MOST_MS;

    if (!settle->is_pending || !is_quiet || now_ms < settle->earliest_ms)
        return false;
    settle->is_pending = false;
    settle->failures = 0;
    settle->retry_ms = 0;
    return true;
}

void settle_note_failure(struct settle *settle, int64_t now_ms)
{
    int64_t pause_ms = SETTLE_RETRY_FIRST_MS;

    for (unsigned i = 0; i < settle->failures && pause_ms < SETTLE_RETRY_MOST_MS; i++)
        pause_ms *= 2;
    settle->failures++;
    settle->retry_ms = now_ms + (pause_ms < SETTLE_RETRY_MOST_MS ? pause_ms : SETTLE_RETRY_MOST_MS);
}

bool settle_take_retry(struct settle *settle, int64_t now_ms)
{
    if (settle->retry_ms == 0 || now_ms < settle->retry_ms || now_ms < settle->earliest_ms)
        return false;
    settle->retry_ms = 0;
    return true;
}
