/*
 * HAProxy's answer to `show stat`: showstat_apply().
 *
 * Input: the answer.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "showstat.h"

#define INSTANCES 3

#define UNTOUCHED (SAMPLE_JOBS_MAX + 1U) /* more than a row may say */

/* Byte by byte, padding too: all states are copies of each other's bytes. */
static bool is_same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

/* Nothing but what the answer is about: requests, failures, drains and ids. */
static void check_the_rest(const struct farm *farm, const struct state before[INSTANCES])
{
    for (size_t i = 0; i < farm->count; i++) {
        struct state rest;
        memcpy(&rest, &farm->states[i], sizeof(rest));
        rest.in_flight = before[i].in_flight;
        rest.sessions = before[i].sessions;
        rest.failed_connections = before[i].failed_connections;
        rest.failed_responses = before[i].failed_responses;
        rest.successes = before[i].successes;
        rest.drained = before[i].drained;
        rest.server_id = before[i].server_id;
        promise(is_same(&rest, &before[i], sizeof(rest)));
    }
}

static void check_open(const struct farm *farm, const char *text, size_t length)
{
    for (size_t i = 0; i < farm->count; i++) {
        const struct state *state = &farm->states[i];
        char name[32];
        int name_length = snprintf(name, sizeof(name), "instance%u", state->number);
        promise(state->in_flight <= SAMPLE_JOBS_MAX);
        if (memmem(text, length, name, (size_t)name_length) == NULL)
            promise_of(state->in_flight == 0 && !state->drained, name);
        if (state->drained)
            promise(memmem(text, length, "DRAIN", 5) || memmem(text, length, "NOLB", 4));
    }
}

/* The same answer says the same, whatever was known before. */
static void check_again(struct farm *farm, const char *text, size_t length)
{
    struct state first[INSTANCES];

    memcpy(first, farm->states, sizeof(first));
    for (size_t i = 0; i < farm->count; i++) {
        farm->states[i].in_flight = 12345;
        farm->states[i].drained = !farm->states[i].drained;
    }
    promise(showstat_apply(farm, text, length));
    promise(is_same(farm->states, first, sizeof(first)));
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
    struct state whole[INSTANCES];

    memcpy(whole, farm->states, sizeof(whole));
    for (size_t i = 0; i < farm->count; i++)
        farm->states[i].in_flight = UNTOUCHED;
    promise(showstat_update(farm, text, length));
    for (size_t i = 0; i < farm->count; i++) {
        unsigned in_flight = farm->states[i].in_flight;
        promise(in_flight == whole[i].in_flight ||
                (in_flight == UNTOUCHED && whole[i].in_flight == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct state states[INSTANCES];
    struct farm farm = {.states = states, .count = INSTANCES};
    struct state before[INSTANCES];
    const char *text = fuzz_bytes(0, data, size);

    memset(states, 0, sizeof(states));
    states[0] = (struct state){.number = 1, .in_flight = 7, .healthy = true};
    states[1] = (struct state){.number = 2, .drained = true, .active_jobs = 3};
    states[2] = (struct state){.number = 65535, .in_flight = SAMPLE_JOBS_MAX};
    memcpy(before, states, sizeof(before));
    if (showstat_apply(&farm, text, size)) {
        check_the_rest(&farm, before);
        check_open(&farm, text, size);
        check_again(&farm, text, size);
        check_cut_short(&farm, text, size);
        check_update(&farm, text, size);
    } else {
        promise(is_same(states, before, sizeof(before)));
    }
    return 0;
}
