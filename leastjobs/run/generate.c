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
#include "clock.h"
#include "log.h"
#include "replace.h"
#include "run/child.h"
#include "siblings.h"
#include "xalloc.h"

#define WORDS_MAX 12

struct part {
    struct child child;
    int messages; /* a file of what it says, if that is kept; -1: none */
    int status;   /* its exit status, when it has ended */
};

struct generate {
    const struct config_sources *sources;
    struct generate_events events;
    struct part genconf;
    struct part test;
    struct event *limit; /* NULL: none */
    bool is_again;
    bool is_cancelled;
};

static void on_limit(evutil_socket_t unused, short what, void *argument)
{
    const struct generate *generate = argument;
    const struct child *late =
        generate->genconf.child.pid != 0 ? &generate->genconf.child : &generate->test.child;

    (void)unused;
    (void)what;
    if (!generate->is_again)
        log_error("leastjobs run: %s has taken %d s: it is ended", late->name,
                  GENERATE_MOST_MS / 1000);
    child_kill_all(&generate->genconf.child);
    child_kill_all(&generate->test.child);
}

struct generate *generate_new(struct event_base *base, const struct config_sources *sources,
                              const struct generate_events *events)
{
    struct generate *generate = xcalloc(1, sizeof(*generate));

    generate->sources = sources;
    generate->events = *events;
    generate->genconf.child.name = "leastjobs-genconf";
    generate->test.child.name = "leastjobs-agent --test";
    generate->genconf.messages = generate->test.messages = -1;
    if (base != NULL)
        generate->limit = xalloc_checked(event_new(base, -1, 0, on_limit, generate));
    return generate;
}

static void close_messages(struct part *part)
{
    if (part->messages >= 0)
        close(part->messages);
    part->messages = -1;
}

void generate_free(struct generate *generate)
{
    if (generate == NULL)
        return;
    if (generate->limit != NULL)
        event_free(generate->limit);
    close_messages(&generate->genconf);
    close_messages(&generate->test);
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
    const struct child_options options = {
        .death_signal = SIGTERM, .out = nowhere, .err = err, .is_impatient = true};
    sources_add_words(generate->sources, words);
    char *path = sibling_path(words[0]);
    words[0] = path;
    int problem = child_start(child, words, &options);
    close(nowhere);
    free(path);
    return problem;
}

/* What it says is kept, to be shown or not when it has ended. */
static int start_quietly(const struct generate *generate, struct part *part, char **words)
{
    part->messages = memfd_create("messages", MFD_CLOEXEC);
    if (part->messages < 0)
        return errno;
    int problem = start(generate, &part->child, words, part->messages);
    if (problem != 0)
        close_messages(part);
    return problem;
}

int generate_start(struct generate *generate, const char *output, bool is_again)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-genconf", (char *)"--check", (char *)"--output",
                              (char *)output};
    char *test[WORDS_MAX] = {(char *)"leastjobs-agent", (char *)"--test"};
    const struct timeval limit = clock_timeval(GENERATE_MOST_MS);

    generate->is_again = is_again;
    generate->is_cancelled = false;
    generate->genconf.status = generate->test.status = 0;
    int problem = is_again ? start_quietly(generate, &generate->genconf, words)
                           : start(generate, &generate->genconf.child, words, -1);
    if (problem != 0)
        return problem;
    problem = start_quietly(generate, &generate->test, test);
    if (problem != 0)
        generate_cancel(generate); /* genconf alone */
    else if (generate->limit != NULL)
        event_add(generate->limit, &limit);
    return problem;
}

/* Waits for genconf's messages; returns its exit status. */
static int explain(struct generate *generate)
{
    char *words[WORDS_MAX] = {(char *)"leastjobs-genconf"};
    int status;

    int problem = start(generate, &generate->genconf.child, words, -1);
    if (problem != 0) {
        log_error("leastjobs run: %s can't be started: %s", generate->genconf.child.name,
                  strerror(problem));
        return 1;
    }
    while (waitpid(generate->genconf.child.pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int generate_explain(const struct config_sources *sources, const struct errors *errors)
{
    const struct generate_events nobody = {0};
    struct generate *generate = generate_new(NULL, sources, &nobody);
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
    return generate->genconf.child.pid != 0 || generate->test.child.pid != 0;
}

void generate_cancel(struct generate *generate)
{
    generate->is_cancelled = true;
    child_signal(&generate->genconf.child, SIGTERM);
    child_signal(&generate->test.child, SIGTERM);
}

/* Its exit status; what ends by a signal has failed. */
static bool take(const struct generate *generate, struct part *part, pid_t pid, int status)
{
    char end[CHILD_END_MAX];

    if (!child_take(&part->child, pid))
        return false;
    part->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    child_describe_end(status, end);
    if (!WIFEXITED(status) && !generate->is_cancelled && !generate->is_again)
        log_error("leastjobs run: %s %s", part->child.name, end);
    return true;
}

static void conclude(struct generate *generate)
{
    struct part *genconf = &generate->genconf;
    struct part *test = &generate->test;
    int status = genconf->status == 0 ? test->status : genconf->status;
    bool is_said = generate->is_again && status != 0 && status != EXIT_USAGE;
    bool shows = !is_said && !generate->is_cancelled;

    if (shows)
        write_content(STDERR_FILENO, genconf->messages);
    /* What the test warns of, genconf warns of: it is shown if it alone refuses. */
    if (shows && genconf->status == 0 && test->status != 0)
        write_content(STDERR_FILENO, test->messages);
    close_messages(genconf);
    close_messages(test);
    if (generate->limit != NULL)
        event_del(generate->limit);
    if (!generate->is_cancelled)
        generate->events.ended(generate->events.context, status);
}

bool generate_take(struct generate *generate, pid_t pid, int status)
{
    if (!take(generate, &generate->genconf, pid, status) &&
        !take(generate, &generate->test, pid, status))
        return false;
    if (!generate_is_running(generate))
        conclude(generate);
    return true;
}
