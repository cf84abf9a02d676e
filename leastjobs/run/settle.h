#ifndef LEASTJOBS_SETTLE_H
#define LEASTJOBS_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When changed files are read: once they have been left alone for SETTLE_QUIET_MS, since who
 * changes one may write it in several pieces; but what changes without end is read after
 * SETTLE_MOST_MS. And no sooner than SETTLE_GAP_MS after the last reload, each of which leaves a
 * worker of HAProxy's behind as long as its jobs run. What couldn't be read for a reason that may
 * pass (a full disk, no memory) is read again after longer and longer pauses. Zero-initialise it.
 */
struct settle {
    bool is_pending;
    int64_t first_ms; /* when the first change was seen that hasn't been read */
    int64_t last_ms;
    int64_t earliest_ms; /* not before */
    unsigned failures;   /* since the last change */
    int64_t retry_ms;    /* when it is read again without a change; 0: not at all */
};

#define SETTLE_QUIET_MS 250
#define SETTLE_MOST_MS 1000
#define SETTLE_GAP_MS 1000
#define SETTLE_RETRY_FIRST_MS 1000
#define SETTLE_RETRY_MOST_MS 60000

void settle_note_change(struct settle *settle, int64_t now_ms);
void settle_note_reload(struct settle *settle, int64_t now_ms);
/* What was taken couldn't be read, for a reason that may pass. */
void settle_note_failure(struct settle *settle, int64_t now_ms);

/* Whether it is time to read; then nothing is pending any more. */
bool settle_take(struct settle *settle, int64_t now_ms);

/* Whether it is time to try again what has failed. */
bool settle_take_retry(struct settle *settle, int64_t now_ms);

#endif
