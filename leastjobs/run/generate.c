#include "run/generate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "replace.h"
#include "run/child.h"
#include "siblings.h"
#include "xalloc.h"

#define WORDS_MAX 12

struct generate {
    const struct config_sources *sources;
    struct generate_events events;
    struct child genconf;
    struct child test;
    int messages; /* a file of the agent's; -1: none */
    bool is_cancelled;
};

struct generate *generate_new(const struct config_sources *sources,
                              const struct generate_events *events)
{
    struct generate *generate = xcalloc(1, sizeof(*generate));

    generate->sources = sources;
    generate->events = *events;
    generate->genconf.name = "leastjobs-genconf";
    generate->test.name = "leastjobs-agent --test";
    generate->messages = -1;
    return generate;
}

static void close_messages(struct generate *generate)
{
    if (generate->messages >= 0)
        close(generate->messages);
    generate->messages = -1;
}

void generate_free(struct generate *generate)
{
    if (generate == NULL)
        return;
    close_messages(generate);
    free(generate);
}

void sources_add_words(const struct config_sources *sources, char **words)
{
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    if (sources->env_file != NULL) {
        words[count++] = (char *)"--env-file";
        words[count++] = (char *)sources->env_file;
    }
    if (sources->config_file != NULL) {
        words[count++] = (char *)"--config";
        words[count++] = (char *)sources->config_file;
    }
}

/* Without their standard output, which isn't for people here. */
static int start(const struct generate *generate, struct child *child, char **words, int err)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nowhere < 0)
        return errno;
    const struct child_options options = {.death_signal = SIGTERM, .out = nowhere, .err = err};
    sources_add_words(generate->sources, words);
    char *path = sibling_path(words[0]);
    words[0] = path;
    int problem = child_start(child, words, &options);
    close(nowhere);
    free(path);
    return problem;
}

int generate_start(struct generate *generate, const char *output)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-genconf", (char *)"--check", (char *)"--output",
                              (char *)output};

    generate->is_cancelled = false;
    return start(generate, &generate->genconf, words, -1);
}

int generate_explain(struct generate *generate)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-genconf"};
    int status;

    int problem = start(generate, &generate->genconf, words, -1);
    if (problem != 0) {
        log_error("leastjobs run: %s can't be started: %s", generate->genconf.name,
                  strerror(problem));
        return 1;
    }
    while (waitpid(generate->genconf.pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int start_test(struct generate *generate)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-agent", (char *)"--test"};

    /* What it warns of, genconf has warned of. */
    generate->messages = memfd_create("messages", MFD_CLOEXEC);
    if (generate->messages < 0)
        return errno;
    return start(generate, &generate->test, words, generate->messages);
}

bool generate_is_running(const struct generate *generate)
{
    return generate->genconf.pid != 0 || generate->test.pid != 0;
}

void generate_cancel(struct generate *generate)
{
    generate->is_cancelled = true;
    child_signal(&generate->genconf, SIGTERM);
    child_signal(&generate->test, SIGTERM);
}

static void show_messages(struct generate *generate)
{
    char buffer[4096];
    ssize_t count;
    off_t at = 0;

    while ((count = pread(generate->messages, buffer, sizeof(buffer), at)) > 0) {
        write_all(STDERR_FILENO, buffer, (size_t)count);
        at += count;
    }
}

static void end(struct generate *generate, int status)
{
    close_messages(generate);
    if (!generate->is_cancelled)
        generate->events.ended(generate->events.context, status);
}

/* Their exit status; what ends by a signal has failed. */
static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void say_signal(const struct child *child, int status)
{
    char end_text[CHILD_END_MAX];

    if (WIFEXITED(status))
        return;
    child_describe_end(status, end_text);
    log_error("leastjobs run: %s %s", child->name, end_text);
}

bool generate_take(struct generate *generate, pid_t pid, int status)
{
    int problem = 0;

    if (child_take(&generate->genconf, pid)) {
        say_signal(&generate->genconf, status);
        if (exit_status(status) == 0 && !generate->is_cancelled)
            problem = start_test(generate);
        if (problem != 0)
            log_error("leastjobs run: %s can't be started: %s", generate->test.name,
                      strerror(problem));
        if (problem != 0 || exit_status(status) != 0 || generate->is_cancelled)
            end(generate, problem != 0 ? 1 : exit_status(status));
        return true;
    }
    if (!child_take(&generate->test, pid))
        return false;
    say_signal(&generate->test, status);
    if (exit_status(status) != 0)
        show_messages(generate);
    end(generate, exit_status(status));
    return true;
}
