#include "drain/hold.h"

enum hold_sight hold_look(struct hold *hold, pid_t process, pid_t current, int64_t now_ms)
{
    if (hold->process == 0 || process != hold->process) {
        *hold = (struct hold){.process = process, .since_ms = now_ms};
        return HOLD_NEW;
    }
    if (current != 0 && current != process) {
        hold->since_ms = now_ms;
        return HOLD_WAIT;
    }
    return now_ms - hold->since_ms >= (current != 0 ? HOLD_BY_MASTER_MS : HOLD_ALONE_MS)
               ? HOLD_SURE
               : HOLD_WAIT;
}
