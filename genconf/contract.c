#include "contract.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "version.h"
#include "xalloc.h"

#define FIRST_LINE "<<# leastjobs "
#define VERSION_MAX 32

/* Lines by their first words. */
struct need {
    const char *words;
    const char *otherwise;
    size_t count; /* of such lines */
};

static const struct need needs_of_all[] = {
    {"backend " BACKEND_NAME, "the agent finds no instance", 0},
    {"backend " TABLE_JOBS, "jobs that HAProxy can't see don't count", 0},
    {"backend " TABLE_FAILED, "failures aren't remembered", 0},
    {"backend " TABLE_OWNERS, "every request about a job is asked of all instances", 0},
    {"server-state-file", "a drain doesn't outlive HAProxy's reload", 0},
};
#define NEED_COUNT (sizeof(needs_of_all) / sizeof(needs_of_all[0]))

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* Whether a line begins with these words, which have one blank between them. */
static bool begins_with(const char *line, const char *end, const char *words)
{
    line = skip_blanks(line, end);
    for (; *words != '\0'; words++) {
        if (*words == ' ') {
            if (line == end || !is_blank(*line))
                return false;
            line = skip_blanks(line, end);
        } else if (line == end || *line++ != *words) {
            return false;
        }
    }
    return line == end || is_blank(*line);
}

static bool is_server_of_instance(const char *line, const char *end)
{
    static const char words[] = "server " INSTANCE_PREFIX;
    size_t length = strlen(words);

    line = skip_blanks(line, end);
    return (size_t)(end - line) > length && memcmp(line, words, length) == 0 &&
           line[length] >= '0' && line[length] <= '9';
}

/* Whether a line is in backend owner, which has servers of the same names. */
static bool is_in_owner(const char *line, const char *end, bool was_in_owner)
{
    if (begins_with(line, end, "backend owner"))
        return true;
    return was_in_owner && !begins_with(line, end, "backend") &&
           !begins_with(line, end, "frontend") && !begins_with(line, end, "listen");
}

static void warn(const struct need *need, const char *name, struct errors *errors)
{
    if (need->count == 0)
        errors_warn(errors,
                    "%s: makes no line \"%s\": without it %s (compare it with --print-template)",
                    name, need->words, need->otherwise);
}

void contract_check_output(const struct text *output, const struct config *config, const char *name,
                           struct errors *errors)
{
    struct need needs[NEED_COUNT];
    char *socket_words = xasprintf("stats socket %s", config->haproxy_socket);
    struct need socket = {socket_words, "the agent can't speak to HAProxy", 0};
    const char *end = output->bytes + output->length;
    size_t servers = 0;
    bool in_owner = false;

    memcpy(needs, needs_of_all, sizeof(needs));
    for (const char *line = output->bytes; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline == NULL ? end : newline;
        for (size_t i = 0; i < NEED_COUNT; i++)
            needs[i].count += begins_with(line, line_end, needs[i].words);
        socket.count += begins_with(line, line_end, socket.words);
        in_owner = is_in_owner(line, line_end, in_owner);
        servers += !in_owner && is_server_of_instance(line, line_end);
        line = newline == NULL ? end : newline + 1;
    }
    warn(&socket, name, errors);
    for (size_t i = 0; i < NEED_COUNT; i++)
        warn(&needs[i], name, errors);
    if (servers != config->instance_count)
        errors_warn(errors,
                    "%s: makes %zu lines \"server " INSTANCE_PREFIX
                    "N\" for %zu instances: the agent knows each by this name",
                    name, servers, config->instance_count);
    free(socket_words);
}

void contract_check_version(const char *template, size_t length, const char *name,
                            struct errors *errors)
{
    char version[VERSION_MAX] = "";
    size_t prefix = strlen(FIRST_LINE);

    if (length > prefix && memcmp(template, FIRST_LINE, prefix) == 0) {
        for (size_t i = 0; i < VERSION_MAX - 1 && prefix + i < length; i++) {
            char c = template[prefix + i];
            if (c == ':' || c == '\n' || is_blank(c))
                break;
            version[i] = c;
        }
    }
    if (version[0] == '\0')
        errors_warn(
            errors,
            "%s: its first line doesn't say for which leastjobs it is: expected \"" FIRST_LINE
                LEASTJOBS_VERSION ": ...\", as --print-template has it",
            name);
    else if (strcmp(version, LEASTJOBS_VERSION) != 0)
        errors_warn(errors,
                    "%s: is for leastjobs %s, and this is " LEASTJOBS_VERSION
                    ": take over what has changed in --print-template, then its first line",
                    name, version);
}
