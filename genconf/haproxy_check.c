#include "haproxy_check.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "replace.h"
#include "template/text.h"
#include "xalloc.h"

/* Where Debian has it, for users whose PATH lacks the sbin directories. */
#define HAPROXY_FALLBACK "/usr/sbin/haproxy"
/* Of HAProxy's messages, how much is searched for the lines that they name. */
#define MESSAGES_MAX (64U * 1024)
#define NAMED_LINES_MAX 20
#define SHOWN_MAX 200
#define LINE_DIGITS_MAX 9

/* Starts it, with its messages going to a pipe. Returns 0, or an error number. */
static int start(char *path, int messages, pid_t *child)
{
    char *arguments[] = {"haproxy", "-c", "-f", path, NULL};
    posix_spawn_file_actions_t actions;

    /* Its praise must not mix with a configuration on standard output. */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    int failure = posix_spawnp(child, arguments[0], &actions, NULL, arguments, environ);
    if (failure == ENOENT)
        failure = posix_spawn(child, HAPROXY_FALLBACK, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Keeps their beginning; `is_shown`: hands them on as they come. */
static void take_messages(int from, struct text *kept, bool is_shown)
{
    char buffer[4096];
    ssize_t count;

    while ((count = read(from, buffer, sizeof(buffer))) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return;
        if (is_shown)
            write_all(STDERR_FILENO, buffer, (size_t)count);
        if (kept->length < MESSAGES_MAX)
            text_put(kept, buffer, (size_t)count);
    }
}

static bool has_ended_well(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void show_line(const char *program, const char *bytes, size_t length, unsigned long number)
{
    const char *end = bytes + length;
    const char *at = bytes;

    for (unsigned long line = 1; line < number && at != NULL; line++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL || at == end)
        return;
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t shown = (size_t)((newline == NULL ? end : newline) - at);
    char *text = xstrndup(at, shown < SHOWN_MAX ? shown : SHOWN_MAX);
    log_replace_control_characters(text);
    fprintf(stderr, "%s: line %lu is: %s\n", program, number, text);
    free(text);
}

/* HAProxy writes them as [PATH:NUMBER]. */
static void show_named_lines(const char *program, const char *path, const struct text *messages,
                             const char *bytes, size_t length)
{
    char *mark = xasprintf("[%s:", path);
    const char *at = messages->length == 0 ? "" : messages->bytes;
    unsigned long last = 0;
    unsigned count = 0;

    while (count < NAMED_LINES_MAX && (at = strstr(at, mark)) != NULL) {
        at += strlen(mark);
        size_t digits = strspn(at, "0123456789");
        unsigned long number = digits > LINE_DIGITS_MAX ? 0 : strtoul(at, NULL, 10);
        if (number == 0 || number == last)
            continue;
        show_line(program, bytes, length, number);
        last = number;
        count++;
    }
    free(mark);
}

/* Whether it accepts the file. */
static bool ask(const char *program, char *path, struct text *messages, bool is_shown)
{
    int ends[2];
    pid_t child;

    int failure = pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
    if (failure == 0) {
        failure = start(path, ends[1], &child);
        close(ends[1]);
        if (failure == 0)
            take_messages(ends[0], messages, is_shown);
        close(ends[0]);
    }
    if (failure != 0) {
        fprintf(stderr, "%s: haproxy can't be run for its check: %s\n", program, strerror(failure));
        return false;
    }
    return has_ended_well(child);
}

bool haproxy_check(const char *program, char *path, const char *bytes, size_t length)
{
    struct text messages = {0};
    bool good = ask(program, path, &messages, true);

    if (!good) {
        show_named_lines(program, path, &messages, bytes, length);
        fprintf(stderr, "%s: haproxy -c refuses the configuration: nothing was written\n", program);
    }
    text_free(&messages);
    return good;
}

/* "[WARNING]  (12) : config : …"; what HAProxy is, it says at each of its starts. */
static void show_warnings(const struct text *messages, const char *ignored)
{
    const char *at = messages->length == 0 ? "" : messages->bytes;

    while (*at != '\0') {
        size_t length = strcspn(at, "\n");
        if (strncmp(at, "[NOTICE]", strlen("[NOTICE]")) != 0 && length > 0 &&
            memmem(at, length, ignored, strlen(ignored)) == NULL)
            fprintf(stderr, "%.*s\n", (int)length, at);
        at += length + (at[length] == '\n');
    }
}

bool haproxy_test(const char *program, char *path, const char *bytes, size_t length,
                  const char *ignored)
{
    struct text messages = {0};
    bool good = ask(program, path, &messages, false);

    if (good) {
        show_warnings(&messages, ignored);
    } else {
        write_all(STDERR_FILENO, messages.bytes, messages.length);
        show_named_lines(program, path, &messages, bytes, length);
        fprintf(stderr, "%s: haproxy -c refuses the configuration\n", program);
    }
    text_free(&messages);
    return good;
}
