/*
 * HAProxy's answer to `show stat`: showstat_apply().
 *
 * Input: the answer.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "haproxy/showstat.h"

#define INSTANCES 3

#define UNTOUCHED (JOBS_MAX + 1U) /* more than a row may say */

/* Byte by byte, padding too: all instances are copies of each other's bytes. */
static bool is_same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* Nothing but what the answer is about: requests, failures, drains and ids. */
static void check_the_rest(const struct farm *farm, const struct instance before[INSTANCES])
{
    for (size_t i = 0; i < farm->count; i++) {
        struct instance rest;
        memcpy(&rest, &farm->instances[i], sizeof(rest));
        rest.in_flight = before[i].in_flight;
        rest.sessions = before[i].sessions;
        rest.counters.failed_connections = before[i].counters.failed_connections;
        rest.counters.failed_responses = before[i].counters.failed_responses;
        rest.counters.failed_answers = before[i].counters.failed_answers;
        rest.counters.successes = before[i].counters.successes;
        rest.drained = before[i].drained;
        rest.server_id = before[i].server_id;
        promise(is_same(&rest, &before[i], sizeof(rest)));
    }
}

static void check_open(const struct farm *farm, const char *text, size_t length)
{
    for (size_t i = 0; i < farm->count; i++) {
        const struct instance *instance = &farm->instances[i];
        char name[32];
        int name_length = snprintf(name, sizeof(name), "instance%u", instance->number);
        promise(instance->in_flight <= JOBS_MAX);
        if (memmem(text, length, name, (size_t)name_length) == NULL)
            promise_of(instance->in_flight == 0 && !instance->drained, name);
        if (instance->drained)
            promise(memmem(text, length, "DRAIN", 5) || memmem(text, length, "NOLB", 4));
    }
}

/* The same answer says the same, whatever was known before. */
static void check_again(struct farm *farm, const char *text, size_t length)
{
    struct instance first[INSTANCES];

    memcpy(first, farm->instances, sizeof(first));
    for (size_t i = 0; i < farm->count; i++) {
        farm->instances[i].in_flight = 12345;
        farm->instances[i].drained = !farm->instances[i].drained;
    }
    promise(showstat_apply(farm, text, length));
    promise(is_same(farm->instances, first, sizeof(first)));
}

/* Output that was cut anywhere is refused: its last line's end is missing. */
static void check_cut_short(struct farm *farm, const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '\n')
        length--;
    promise(!showstat_apply(farm, text, length));
    promise(!showstat_apply(farm, text, length + 1));
}

/* An answer about some: the same rows, and nobody else is touched. */
static void check_update(struct farm *farm, const char *text, size_t length)
{
    struct instance whole[INSTANCES];

    memcpy(whole, farm->instances, sizeof(whole));
    for (size_t i = 0; i < farm->count; i++)
        farm->instances[i].in_flight = UNTOUCHED;
    promise(showstat_update(farm, text, length));
    for (size_t i = 0; i < farm->count; i++) {
        unsigned in_flight = farm->instances[i].in_flight;
        promise(in_flight == whole[i].in_flight ||
                (in_flight == UNTOUCHED && whole[i].in_flight == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct instance instances[INSTANCES];
    struct farm farm = {.instances = instances, .count = INSTANCES};
    struct instance before[INSTANCES];
    const char *text = fuzz_bytes(0, data, size);

    memset(instances, 0, sizeof(instances));
    instances[0] = (struct instance){.number = 1, .in_flight = 7, .healthy = true};
    instances[1] = (struct instance){.number = 2, .drained = true, .active_jobs = 3};
    instances[2] = (struct instance){.number = 65535, .in_flight = JOBS_MAX};
    memcpy(before, instances, sizeof(before));
    if (showstat_apply(&farm, text, size)) {
        check_the_rest(&farm, before);
        check_open(&farm, text, size);
        check_again(&farm, text, size);
        check_cut_short(&farm, text, size);
        check_update(&farm, text, size);
    } else {
        promise(is_same(instances, before, sizeof(before)));
    }
    return 0;
}
