/*
 * What HAProxy's runtime socket answers: answer_look(), answer_apply(), serverstate_write().
 *
 * Input: the answers; the scope is that of an answer about all, then of one about some.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "haproxy/answer.h"
#include "names.h"
#include "serverstate.h"

#define INSTANCES 3

static bool is_same(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}

static void set_up(struct instance instances[INSTANCES])
{
    memset(instances, 0, INSTANCES * sizeof(*instances));
    instances[0] = (struct instance){.number = 1, .in_flight = 7, .acceptances = 3, .told = 4};
    instances[1] =
        (struct instance){.number = 2, .drained = true, .jobs_penalty = 3, .server_id = 9};
    instances[2] = (struct instance){.number = 65535, .maintained = true, .address = "::1"};
}

/* Nothing but what answers are about, and that within its bounds. */
static void check_states(const struct instance instances[INSTANCES],
                         const struct instance before[INSTANCES], const struct answer *answer)
{
    for (size_t i = 0; i < INSTANCES; i++) {
        struct instance rest;
        memcpy(&rest, &instances[i], sizeof(rest));
        promise(rest.in_flight <= JOBS_MAX);
        promise(rest.jobs_penalty <= PENALTY_MAX);
        promise(memchr(rest.address, '\0', sizeof(rest.address)) != NULL);
        promise(rest.address[strspn(rest.address, "0123456789abcdefABCDEF:.")] == '\0');
        if (!answer->has_jobs)
            promise(rest.acceptances == before[i].acceptances && rest.told == before[i].told &&
                    rest.jobs_failed == before[i].jobs_failed);
        if (!answer->has_capacities)
            promise(rest.told_capacity == before[i].told_capacity);
        if (!answer->has_failed)
            promise(rest.jobs_penalty == before[i].jobs_penalty);
        if (!answer->has_servers)
            promise(rest.maintained == before[i].maintained &&
                    rest.weighs_nothing == before[i].weighs_nothing &&
                    is_same(rest.address, before[i].address, sizeof(rest.address)));
        if (!answer->has_servers && !answer->has_stat)
            promise(rest.drained == before[i].drained);
        if (!answer->has_stat)
            promise(rest.in_flight == before[i].in_flight && rest.server_id == before[i].server_id);
        rest.in_flight = before[i].in_flight;
        rest.sessions = before[i].sessions;
        rest.counters.failed_connections = before[i].counters.failed_connections;
        rest.counters.failed_responses = before[i].counters.failed_responses;
        rest.counters.failed_answers = before[i].counters.failed_answers;
        rest.counters.successes = before[i].counters.successes;
        rest.server_id = before[i].server_id;
        rest.drained = before[i].drained;
        rest.maintained = before[i].maintained;
        rest.weighs_nothing = before[i].weighs_nothing;
        rest.jobs_failed = before[i].jobs_failed;
        rest.told_capacity = before[i].told_capacity;
        rest.acceptances = before[i].acceptances;
        rest.told = before[i].told;
        rest.jobs_penalty = before[i].jobs_penalty;
        memcpy(rest.address, before[i].address, sizeof(rest.address));
        promise(is_same(&rest, &before[i], sizeof(rest)));
    }
}

static bool is_inside(const struct answer_part *part, const char *text, size_t size)
{
    return part->text >= text && part->length > 0 && part->length <= size &&
           part->text <= text + size - part->length;
}

/* What is there is in the text, begins as it should, and an answer ends with an empty line. */
static void check_parts(const struct answer *answer, const char *text, size_t size)
{
    promise(answer->has_stat == (answer->stat.text != NULL));
    promise(answer->has_servers == (answer->servers.text != NULL));
    promise((answer->has_jobs || answer->has_failed || answer->has_capacities) ==
            (answer->tables.text != NULL));
    promise(!answer->has_stat || is_inside(&answer->stat, text, size));
    promise(!answer->has_servers || is_inside(&answer->servers, text, size));
    promise(answer->tables.text == NULL || is_inside(&answer->tables, text, size));
    if (answer->has_stat)
        promise(memmem(answer->stat.text, answer->stat.length - 1, "\n\n", 2) == NULL);
}

static void check_apply(const char *text, size_t size, enum answer_scope scope)
{
    struct instance instances[INSTANCES], before[INSTANCES], first[INSTANCES];
    struct farm farm = {.instances = instances, .count = INSTANCES};

    set_up(instances);
    memcpy(before, instances, sizeof(before));
    struct answer answer = answer_look(text, size);
    promise(answer.has_mark == (answer.mark != 0));
    check_parts(&answer, text, size);
    bool has_counts = answer_apply(&farm, &answer, scope);
    promise(!has_counts || answer.has_stat);
    answer.has_stat = has_counts;
    check_states(instances, before, &answer);
    /* Once more it says the same. */
    memcpy(first, instances, sizeof(first));
    answer_apply(&farm, &answer, scope);
    promise(is_same(first, instances, sizeof(first)));
}

static bool is_instance(const char *line, size_t length)
{
    return memmem(line, length, " farm ", 6) != NULL &&
           memmem(line, length, " instance", 9) != NULL &&
           (memmem(line, length, " 8000 ", 6) != NULL || memmem(line, length, " 443 ", 5) != NULL);
}

/* Lines of configured instances only, each with the configuration's port and as many columns. */
static void check_written(const char *text, size_t size)
{
    static struct instance_config instances[] = {
        {.number = 1, .url = {.port = 8000}},
        {.number = 65535, .url = {.port = 443, .tls = true}},
    };
    static const struct config config = {.instances = instances, .instance_count = 2};
    char *written = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&written, &length);

    if (out == NULL)
        abort();
    serverstate_write(out, text, size, &config);
    fclose(out);
    size_t head = strlen(STATE_FILE_VERSION "\n");
    promise(length >= head && is_same(written, STATE_FILE_VERSION "\n", head));
    for (const char *line = written + head; line < written + length;) {
        const char *end = memchr(line, '\n', (size_t)(written + length - line));
        promise(end != NULL);
        size_t spaces = 0;
        for (const char *at = line; at < end; at++)
            spaces += *at == ' ';
        promise(spaces == SERVERSTATE_COLUMNS - 1);
        promise(is_instance(line, (size_t)(end - line)));
        line = end + 1;
    }
    free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = fuzz_bytes(0, data, size);

    check_apply(text, size, ANSWER_ALL);
    check_apply(text, size, ANSWER_SOME);
    check_written(text, size);
    return 0;
}
