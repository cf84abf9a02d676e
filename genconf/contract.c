#include "contract.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "version.h"
#include "xalloc.h"

#define FIRST_LINE "<<# leastjobs "
#define VERSION_MAX 32
/* Room for the longest words that are asked for, "stats socket" and a path. */
#define HEAD_SIZE 160
/* Stands for a blank within a word. */
#define QUOTED_BLANK '\x1f'

/* Lines by their first words. */
struct need {
    const char *words;
    const char *otherwise;
    size_t count; /* of such lines */
};

/* The farm comes first. */
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

/*
 * The first words of a line as HAProxy has them: without quotes, backslashes and a comment, with
 * one blank between them.
 */
static void read_head(const char *line, const char *end, char head[HEAD_SIZE])
{
    size_t used = 0;
    char quote = '\0';

    for (; line < end && used < HEAD_SIZE - 1; line++) {
        char c = *line;
        if (quote == '\0' && c == '#')
            break;
        if (quote == '\0' && is_blank(c)) {
            if (used > 0 && head[used - 1] != ' ')
                head[used++] = ' ';
        } else if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else {
            if (c == '\\' && quote != '\'' && line + 1 < end)
                c = *++line;
            if (c == ' ')
                c = QUOTED_BLANK;
            head[used++] = c;
        }
    }
    head[used] = '\0';
}

static bool begins_with(const char *head, const char *words)
{
    size_t length = strlen(words);

    return strncmp(head, words, length) == 0 && (head[length] == ' ' || head[length] == '\0');
}

static bool begins_section(const char *head)
{
    static const char *const sections[] = {
        "global",    "defaults", "frontend",    "backend", "listen",      "peers", "resolvers",
        "mailers",   "userlist", "program",     "cache",   "http-errors", "ring",  "fcgi-app",
        "crt-store", "traces",   "log-forward", "acme",    "log-profile",
    };

    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        if (begins_with(head, sections[i]))
            return true;
    }
    return false;
}

static bool is_server_of_instance(const char *head)
{
    static const char words[] = "server " INSTANCE_PREFIX;
    size_t length = strlen(words);

    return strncmp(head, words, length) == 0 && head[length] >= '0' && head[length] <= '9';
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
    bool in_farm = false;

    memcpy(needs, needs_of_all, sizeof(needs));
    for (const char *line = output->bytes; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline == NULL ? end : newline;
        char head[HEAD_SIZE] = "";
        read_head(line, line_end, head);
        if (begins_section(head))
            in_farm = begins_with(head, needs[0].words);
        for (size_t i = 0; i < NEED_COUNT; i++)
            needs[i].count += begins_with(head, needs[i].words);
        socket.count += begins_with(head, socket.words);
        servers += in_farm && is_server_of_instance(head);
        line = newline == NULL ? end : newline + 1;
    }
    warn(&socket, name, errors);
    for (size_t i = 0; i < NEED_COUNT; i++)
        warn(&needs[i], name, errors);
    if (needs[0].count > 0 && servers != config->instance_count)
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
