/*
 * The port of the agent-checks: agent_check_parse() and agent_check_format(), for a farm to which
 * things have happened.
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

#include "agent_checks/agent_check.h"
#include "fuzz.h"
#include "instances/farm.h"
#include "sources/source_json.h"

#define UNHEALTHY_AFTER 2
#define REASON_MAX 127

static const enum weighting weightings[] = {WEIGHTING_INVERSE, WEIGHTING_EXTERNAL};

/* The grammar in agent_check.h once more, as a regular expression; a CR may stand before the
 * newline. */
static bool is_request(const char *line, size_t length, struct agent_check_request *request)
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
    *request =
        (struct agent_check_request){.number = (unsigned)number, .weighting = WEIGHTING_INVERSE};
    if (parts[3].rm_so >= 0 && line[parts[3].rm_so] == 'e')
        request->weighting = WEIGHTING_EXTERNAL;
    return number <= INSTANCE_NUMBER_MAX;
}

static void check_request(const uint8_t *line, size_t length, const struct farm *farm)
{
    struct agent_check_request request = {0};
    struct agent_check_request expected = {0};
    bool understood = agent_check_parse(fuzz_bytes(0, line, length), length, &request);
    const char *text = fuzz_text(1, line, length);

    promise_of(understood == is_request(text, length, &expected), text);
    if (!understood)
        return;
    promise_of(request.number == expected.number, text);
    promise_of(request.weighting == expected.weighting, text);
    const struct instance *instance = farm_find(farm, request.number);
    promise(instance == NULL || instance->number == request.number);
}

static unsigned expected_weight(const struct instance *instance, enum weighting weighting)
{
    if (instance->drained)
        return 0;
    if (!instance->checked)
        return 100;
    long weight = weighting == WEIGHTING_INVERSE ? lround(100.0 / (1 + instance->active_jobs))
                                                 : 100 - (long)instance->external_jobs;
    return weight > 1 ? (unsigned)weight : 1;
}

static void check_answer(const struct instance *instance, enum weighting weighting)
{
    char answer[AGENT_CHECK_ANSWER_MAX];
    char expected[AGENT_CHECK_ANSWER_MAX];

    memset(answer, 'x', sizeof(answer));
    size_t length = agent_check_format(answer, instance, weighting);
    promise(length > 1 && length < AGENT_CHECK_ANSWER_MAX &&
            strnlen(answer, AGENT_CHECK_ANSWER_MAX) == length);
    promise_of(strchr(answer, '\n') == answer + length - 1, answer);
    answer[length - 1] = '\0';
    promise_of(fuzz_is_printable_ascii(answer), answer);
    if (instance->healthy) {
        if (instance->passed == 0 && !instance->drained)
            snprintf(expected, sizeof(expected), "unknown");
        else
            snprintf(expected, sizeof(expected), "up %u%%", expected_weight(instance, weighting));
        promise_of(strcmp(answer, expected) == 0, answer);
    } else {
        promise_of(strncmp(answer, "down #", 6) == 0, answer);
        promise_of(answer[6] != '\0' && strlen(answer + 6) <= REASON_MAX, answer);
    }
}

static struct check_result failure(const uint8_t *text, size_t length)
{
    unsigned letter = length == 0 ? 0 : text[0];
    unsigned reason = 1 + letter % (CHECK_REASON_COUNT - 1);

    return check_result_failed((enum check_reason)reason, "%.*s", (int)length, (const char *)text);
}

static void apply_check(struct instance *instance, const struct check_result *result)
{
    static const struct check_rules rules = {.unhealthy_after = UNHEALTHY_AFTER, .interval_ms = 1};
    static struct moment now;
    struct check_start start = {.in_flight = instance->in_flight, .at_ms = now.monotonic_ms};
    bool was_healthy = instance->healthy;
    enum instance_change change = instance_apply(instance, result, &start, &rules, &now);

    promise((change == INSTANCE_UNCHANGED) == (instance->healthy == was_healthy));
    promise(instance->healthy == (instance->failures < UNHEALTHY_AFTER));
    promise(instance->active_jobs <= JOBS_MAX && instance->external_jobs <= instance->active_jobs);
    promise_of(fuzz_is_printable_ascii(instance->error), instance->error);
    promise((instance->error[0] == '\0') == (result->reason == CHECK_PASSED));
    promise(instance->forecast.expected >= 0 && instance->forecast.expected <= JOBS_MAX);
    now.monotonic_ms++;
}

static void apply_event(struct farm *farm, const uint8_t *line, size_t length)
{
    struct check_result result = {0};
    uint8_t what = length > 1 && line[1] == ' ' ? line[0] : '\0';

    if (what == 'b')
        result = check_result_from_body(&source_json, "/active_jobs", (const char *)line + 2,
                                        length - 2);
    else if (what == 'f')
        result = failure(line + 2, length - 2);
    for (size_t i = 0; i < farm->count; i++) {
        struct instance *instance = &farm->instances[i];
        if (what == 'b' || what == 'f')
            apply_check(instance, &result);
        else if (what == 'i')
            instance->in_flight =
                (unsigned)(strtoul(fuzz_text(1, line + 2, length - 2), NULL, 10) % (JOBS_MAX + 1));
        else if (length == 1 && line[0] == 'd')
            instance->drained = !instance->drained;
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
                check_answer(&farm->instances[i], weightings[w]);
        }
    }
    farm_free(farm);
    return 0;
}
