#include "instances/tally.h"

#include <string.h>

#define MINUTE_MS 60000.0

/* Counters that are smaller than before are those of a new process. */
static uint64_t more_than(uint64_t before, uint64_t now)
{
    return now >= before ? now - before : now;
}

/* Empties the slots between the last look and now. */
static void turn_to(struct tally *tally, int64_t slot)
{
    if (slot - tally->slot >= TALLY_SLOTS)
        memset(tally->sent, 0, sizeof(tally->sent));
    else
        while (tally->slot < slot)
            tally->sent[++tally->slot % TALLY_SLOTS] = 0;
    tally->slot = slot;
}

static void begin(struct tally *tally, const struct server_counters *counters, int64_t now_ms)
{
    tally->is_known = true;
    tally->since_ms = now_ms;
    tally->slot = now_ms / TALLY_SLOT_MS;
    tally->failed_jobs = counters->failed_responses + counters->failed_answers;
}

struct tally_news tally_see(struct tally *tally, uint64_t sessions,
                            const struct server_counters *counters, int64_t now_ms)
{
    const struct server_counters *seen = &tally->seen;
    struct tally_news news = {0};

    if (!tally->is_known) {
        begin(tally, counters, now_ms);
    } else {
        news = (struct tally_news){
            .failed_connections = more_than(seen->failed_connections, counters->failed_connections),
            .failed_responses = more_than(seen->failed_responses, counters->failed_responses),
            .failed_answers = more_than(seen->failed_answers, counters->failed_answers)};
        turn_to(tally, now_ms / TALLY_SLOT_MS);
        /* A connection that fails was counted as sent when it began. */
        tally->sent[tally->slot % TALLY_SLOTS] +=
            (int32_t)(more_than(tally->sessions_seen, sessions) - news.failed_connections);
        tally->failed_jobs += news.failed_responses + news.failed_answers;
    }
    tally->sessions_seen = sessions;
    tally->seen = *counters;
    return news;
}

double tally_per_minute(const struct tally *tally, int64_t now_ms)
{
    int64_t oldest = now_ms / TALLY_SLOT_MS - TALLY_SLOTS + 1;
    int64_t from_ms = oldest * TALLY_SLOT_MS;
    int64_t sent = 0;

    if (!tally->is_known)
        return 0;
    for (int64_t slot = oldest > 0 ? oldest : 0; slot <= tally->slot; slot++)
        sent += tally->sent[slot % TALLY_SLOTS];
    if (from_ms < tally->since_ms)
        from_ms = tally->since_ms;
    int64_t watched_ms = now_ms - from_ms;
    /* One job in the first tenth of a second isn't 600 a minute. */
    if (watched_ms < TALLY_SLOT_MS)
        watched_ms = TALLY_SLOT_MS;
    return sent > 0 ? (double)sent * MINUTE_MS / (double)watched_ms : 0;
}
