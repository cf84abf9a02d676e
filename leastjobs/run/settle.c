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
    return true;
}
