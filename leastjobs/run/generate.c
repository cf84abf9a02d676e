#include "run/generate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
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
    int status;   /* their exit status, when they have ended */
    int test_status;
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

/* What it warns of, genconf warns of: its messages are kept, and shown if it alone refuses. */
static int start_test(struct generate *generate)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-agent", (char *)"--test"};

    generate->messages = memfd_create("messages", MFD_CLOEXEC);
    if (generate->messages < 0)
        return errno;
    return start(generate, &generate->test, words, generate->messages);
}

int generate_start(struct generate *generate, const char *output)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-genconf", (char *)"--check", (char *)"--output",
                              (char *)output};

    generate->is_cancelled = false;
    generate->status = generate->test_status = 0;
    int problem = start(generate, &generate->genconf, words, -1);
    if (problem != 0)
        return problem;
    problem = start_test(generate);
    if (problem == 0)
        return 0;
    generate_cancel(generate); /* genconf alone */
    close_messages(generate);
    return problem;
}

/* Waits for genconf's messages; returns its exit status. */
static int explain(struct generate *generate)
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

int generate_explain(const struct config_sources *sources, const struct errors *errors)
{
    const struct generate_events nobody = {0};
    struct generate *generate = generate_new(sources, &nobody);
    int status = explain(generate);

    generate_free(generate);
    if (status != 0)
        return status;
    /* The file has become good in between. */
    errors_print(errors, "leastjobs run", stderr);
    return EXIT_USAGE;
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

/* Their exit status; what ends by a signal has failed. */
static int exit_status(const struct generate *generate, const struct child *child, int status)
{
    char end[CHILD_END_MAX];

    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    child_describe_end(status, end);
    if (!generate->is_cancelled)
        log_error("leastjobs run: %s %s", child->name, end);
    return 1;
}

bool generate_take(struct generate *generate, pid_t pid, int status)
{
    if (child_take(&generate->genconf, pid))
        generate->status = exit_status(generate, &generate->genconf, status);
    else if (child_take(&generate->test, pid))
        generate->test_status = exit_status(generate, &generate->test, status);
    else
        return false;
    if (generate_is_running(generate))
        return true;
    if (generate->status == 0 && generate->test_status != 0 && !generate->is_cancelled)
        show_messages(generate);
    if (generate->status == 0)
        generate->status = generate->test_status;
    close_messages(generate);
    if (!generate->is_cancelled)
        generate->events.ended(generate->events.context, generate->status);
    return true;
}
