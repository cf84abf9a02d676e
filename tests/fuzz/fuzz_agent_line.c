/*
 * The port of the agent-checks: reply_parse() and reply_format(), for a farm to which things
 * have happened.
 *
 * Input: the request line, then events, a line each; other lines mean nothing:
 *   b BODY     a health check that got this body
 *   f R TEXT   a health check that failed for the reason of letter R, with this text
 *   i NUMBER   requests that HAProxy has open
 *   d          drained, or no longer
 */
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "reply.h"
#include "state.h"

#define UNHEALTHY_AFTER 2
#define REASON_MAX 127

static const enum weighting weightings[] = {WEIGHTING_INVERSE, WEIGHTING_EXTERNAL};

/* The grammar in reply.h once more, as a regular expression; a CR may stand before the newline. */
static bool is_request(const char *line, size_t length, struct reply_request *request)
{
    static regex_t grammar;
    static bool compiled;
    regmatch_t parts[4];

    if (!compiled)
        promise(regcomp(&grammar, "^instance([1-9][0-9]*)( +(inverse|external))?\r?$",
                        REG_EXTENDED) == 0);
    compiled = true;
    if (strlen(line) != length || regexec(&grammar, line, 4, parts, 0) != 0)
        return false;
    unsigned long number = strtoul(line + parts[1].rm_so, NULL, 10);
    *request = (struct reply_request){.number = (unsigned)number, .weighting = WEIGHTING_INVERSE};
    if (parts[3].rm_so >= 0 && line[parts[3].rm_so] == 'e')
        request->weighting = WEIGHTING_EXTERNAL;
    return number <= INSTANCE_NUMBER_MAX;
}

static void check_request(const uint8_t *line, size_t length, const struct farm *farm)
{
    struct reply_request request = {0};
    struct reply_request expected = {0};
    bool understood = reply_parse(fuzz_bytes(0, line, length), length, &request);
    const char *text = fuzz_text(1, line, length);

    promise_of(understood == is_request(text, length, &expected), text);
    if (!understood)
        return;
    promise_of(request.number == expected.number, text);
    promise_of(request.weighting == expected.weighting, text);
    const struct state *state = farm_find(farm, request.number);
    promise(state == NULL || state->number == request.number);
}

static unsigned expected_weight(const struct state *state, enum weighting weighting)
{
    if (state->drained)
        return 0;
    if (!state->checked)
        return 100;
    long weight = weighting == WEIGHTING_INVERSE ? lround(100.0 / (1 + state->active_jobs))
                                                 : 100 - (long)state->external_jobs;
    return weight > 1 ? (unsigned)weight : 1;
}

static void check_reply(const struct state *state, enum weighting weighting)
{
    char reply[REPLY_MAX];
    char expected[REPLY_MAX];

    memset(reply, 'x', sizeof(reply));
    size_t length = reply_format(reply, state, weighting);
    promise(length > 1 && length < REPLY_MAX && strnlen(reply, REPLY_MAX) == length);
    promise_of(strchr(reply, '\n') == reply + length - 1, reply);
    reply[length - 1] = '\0';
    promise_of(fuzz_is_printable_ascii(reply), reply);
    if (state->healthy) {
        if (state->passed == 0 && !state->drained)
            snprintf(expected, sizeof(expected), "unknown");
        else
            snprintf(expected, sizeof(expected), "up %u%%", expected_weight(state, weighting));
        promise_of(strcmp(reply, expected) == 0, reply);
    } else {
        promise_of(strncmp(reply, "down #", 6) == 0, reply);
        promise_of(reply[6] != '\0' && strlen(reply + 6) <= REASON_MAX, reply);
    }
}

static struct sample failure(const uint8_t *text, size_t length)
{
    unsigned letter = length == 0 ? 0 : text[0];
    unsigned reason = 1 + letter % (CHECK_REASON_COUNT - 1);

    return sample_failed((enum check_reason)reason, "%.*s", (int)length, (const char *)text);
}

static void apply_check(struct state *state, const struct sample *sample)
{
    static const struct state_rules rules = {.unhealthy_after = UNHEALTHY_AFTER, .interval_ms = 1};
    static struct moment now;
    struct state_start start = {.in_flight = state->in_flight, .at_ms = now.monotonic_ms};
    bool was_healthy = state->healthy;
    enum state_change change = state_apply(state, sample, &start, &rules, &now);

    promise((change == STATE_UNCHANGED) == (state->healthy == was_healthy));
    promise(state->healthy == (state->failures < UNHEALTHY_AFTER));
    promise(state->active_jobs <= SAMPLE_JOBS_MAX && state->external_jobs <= state->active_jobs);
    promise_of(fuzz_is_printable_ascii(state->error), state->error);
    promise((state->error[0] == '\0') == (sample->reason == CHECK_PASSED));
    promise(state->forecast.expected >= 0 && state->forecast.expected <= SAMPLE_JOBS_MAX);
    now.monotonic_ms++;
}

static void apply_event(struct farm *farm, const uint8_t *line, size_t length)
{
    struct sample sample = {0};
    uint8_t what = length > 1 && line[1] == ' ' ? line[0] : '\0';

    if (what == 'b')
        sample = sample_from_body((const char *)line + 2, length - 2, "/active_jobs");
    else if (what == 'f')
        sample = failure(line + 2, length - 2);
    for (size_t i = 0; i < farm->count; i++) {
        struct state *state = &farm->states[i];
        if (what == 'b' || what == 'f')
            apply_check(state, &sample);
        else if (what == 'i')
            state->in_flight = (unsigned)(strtoul(fuzz_text(1, line + 2, length - 2), NULL, 10) %
                                          (SAMPLE_JOBS_MAX + 1));
        else if (length == 1 && line[0] == 'd')
            state->drained = !state->drained;
    }
}

static size_t line_length(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);

    return newline == NULL ? size : (size_t)(newline - data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct instance_config instances[] = {
        {.number = 1, .url.text = (char *)"http://a"},
        {.number = 65535, .url.text = (char *)"http://b"},
    };
    static const struct config config = {.instances = instances, .instance_count = 2};
    static const struct moment now;
    struct farm *farm = farm_new(&config, NULL, &now);
    size_t length = line_length(data, size);

    check_request(data, length, farm);
    while (length < size) {
        data += length + 1;
        size -= length + 1;
        length = line_length(data, size);
        apply_event(farm, data, length);
        for (size_t i = 0; i < farm->count; i++) {
            for (size_t w = 0; w < sizeof(weightings) / sizeof(weightings[0]); w++)
                check_reply(&farm->states[i], weightings[w]);
        }
    }
    farm_free(farm);
    return 0;
}
