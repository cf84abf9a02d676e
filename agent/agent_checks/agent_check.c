#include "agent_checks/agent_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "names.h"

#define WEIGHT_MAX 100
#define REASON_MAX 127

static bool starts_with(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);

    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

/* A whole rest of a line that is one word. */
static bool is_word(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) == strlen(word) && starts_with(at, end, word);
}

static bool parse_number(const char **at, const char *end, unsigned *number)
{
    *number = 0;
    if (*at == end || **at == '0')
        return false;
    for (; *at < end && isdigit((unsigned char)**at); (*at)++) {
        *number = *number * 10 + (unsigned)(**at - '0');
        if (*number > INSTANCE_NUMBER_MAX)
            return false;
    }
    return *number > 0;
}

static bool parse_weighting(const char *at, const char *end, enum weighting *weighting)
{
    static const char *const words[] = {
        [WEIGHTING_INVERSE] = "inverse",
        [WEIGHTING_EXTERNAL] = "external",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is_word(at, end, words[i])) {
            *weighting = (enum weighting)i;
            return true;
        }
    }
    return false;
}

bool agent_check_parse(const char *line, size_t length, struct agent_check_request *request)
{
    const char *at = line;
    const char *end = line + length;

    if (length > 0 && end[-1] == '\r')
        end--;
    if (!starts_with(at, end, INSTANCE_PREFIX))
        return false;
    at += strlen(INSTANCE_PREFIX);
    if (!parse_number(&at, end, &request->number))
        return false;
    request->weighting = WEIGHTING_INVERSE;
    if (at == end)
        return true;
    while (at < end && *at == ' ')
        at++;
    return at[-1] == ' ' && parse_weighting(at, end, &request->weighting);
}

static unsigned weight_of_jobs(const struct instance *instance, enum weighting weighting)
{
    unsigned jobs = instance->active_jobs;

    if (weighting != WEIGHTING_INVERSE)
        return instance->external_jobs < WEIGHT_MAX ? WEIGHT_MAX - instance->external_jobs : 1;
    /* Rounded to the nearest, and never 0, which would drain. */
    unsigned weight = (WEIGHT_MAX + (1 + jobs) / 2) / (1 + jobs);
    return weight > 0 ? weight : 1;
}

unsigned agent_check_weight(const struct instance *instance, enum weighting weighting)
{
    if (instance_is_drained(instance))
        return 0;
    if (!instance->checked)
        return WEIGHT_MAX;
    return weight_of_jobs(instance, weighting);
}

size_t agent_check_format(char answer[AGENT_CHECK_ANSWER_MAX], const struct instance *instance,
                          enum weighting weighting)
{
    int length;

    /* An agent that has just started knows less than HAProxy, which has its last word. */
    if (instance->healthy && instance->passed == 0 && !instance_is_drained(instance))
        length = snprintf(answer, AGENT_CHECK_ANSWER_MAX, "unknown\n");
    else if (instance->healthy && instance_is_drained(instance) && instance->weighs_nothing)
        length = snprintf(answer, AGENT_CHECK_ANSWER_MAX, "up\n");
    else if (instance->healthy)
        length = snprintf(answer, AGENT_CHECK_ANSWER_MAX, "up %u%%\n",
                          agent_check_weight(instance, weighting));
    else
        length =
            snprintf(answer, AGENT_CHECK_ANSWER_MAX, "down #%.*s\n", REASON_MAX, instance->error);
    return (size_t)length;
}
