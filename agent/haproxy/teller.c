#include "haproxy/teller.h"

#include <inttypes.h>

#include "clock.h"
#include "haproxy/answer.h"
#include "names.h"

#define TELL "set table " TABLE_JOBS " key %u data.gpt0 %" PRIu32
#define TELL_CAPACITY "set table " TABLE_CAPACITIES " key %u data.gpt0 %" PRIu32
#define FORGIVE "set table " TABLE_FAILED " key %u data.gpt0 0"
#define FORGET "set table " TABLE_JOBS " key %u data.gpc1 0"

/* An agent that has just started leaves what its predecessor told until it knows better. */
static void tell(const struct teller *teller, struct instance *instance)
{
    uint32_t word = instance_word(instance);
    bool is_known =
        instance->passed > 0 || instance_is_drained(instance) || instance_penalty(instance) > 0;

    if (word == instance->told || !is_known)
        return;
    haproxy_say(teller->haproxy, TELL, instance->number, word);
    instance->told = word;
}

/* One that no report has said is 1 to HAProxy. */
static void tell_capacity(const struct teller *teller, struct instance *instance)
{
    uint32_t more = instance->capacity - 1;

    if (!instance->tells_capacity || more == instance->told_capacity)
        return;
    haproxy_say(teller->haproxy, TELL_CAPACITY, instance->number, more);
    instance->told_capacity = more;
}

static void forgive(const struct teller *teller, struct instance *instance)
{
    server_errors_forgive(&instance->errors);
    if (instance->jobs_penalty == 0)
        return;
    instance->jobs_penalty = 0;
    haproxy_say(teller->haproxy, FORGIVE, instance->number);
    haproxy_say(teller->haproxy, FORGET, instance->number);
}

/* A failure so long ago doesn't make the next one weigh more. */
static void forget_failures(const struct teller *teller, struct instance *instance)
{
    int64_t now = clock_ms();

    if (instance->jobs_failed != instance->jobs_failed_seen) {
        instance->jobs_failed_seen = instance->jobs_failed;
        instance->jobs_failed_ms = now;
    }
    if (instance->jobs_failed > 0 && now - instance->jobs_failed_ms >= FAILURES_AGE_MS)
        haproxy_say(teller->haproxy, FORGET, instance->number);
}

/*
 * What all instances fail at is no instance's fault: a client's bad files, a network that is down.
 * Else the first one that succeeds again would get everything for as long as the others are held
 * for it.
 */
static void forgive_common_failures(const struct teller *teller)
{
    if (!farm_fails_alike(teller->farm))
        return;
    for (size_t i = 0; i < teller->farm->count; i++)
        forgive(teller, &teller->farm->instances[i]);
}

void teller_tell(struct teller *teller, bool is_all)
{
    if (!teller->has_table)
        return;
    if (is_all) {
        forgive_common_failures(teller);
        for (size_t i = 0; i < teller->farm->count; i++)
            forget_failures(teller, &teller->farm->instances[i]);
    }
    if (teller->is_new)
        haproxy_say(teller->haproxy, TELL, TABLE_MARK_KEY, teller->farm->mark);
    for (size_t i = 0; i < teller->farm->count; i++) {
        /* Before the word, in which penalties are for each unit. */
        tell_capacity(teller, &teller->farm->instances[i]);
        tell(teller, &teller->farm->instances[i]);
    }
    teller->is_new = false;
}
