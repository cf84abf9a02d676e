#include "check/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "replace.h"
#include "run/child.h"
#include "run/generate.h"
#include "running/where.h"
#include "siblings.h"

#define PROGRAM "leastjobs check"
#define WORDS_MAX 8

/* Returns its exit status, 1 if it can't be started or ends by a signal. -1: our own stream. */
static int run(const char *name, const struct config_sources *sources, int out, int err)
{
    const struct child_options options = {.out = out, .err = err};
    struct child child = {.name = name};
    char *path = sibling_path(name);
    char *words[WORDS_MAX] = {path, (char *)"--test"};
    int status = 0;

    sources_add_words(sources, words);
    int problem = child_start(&child, words, &options);
    free(path);
    if (problem != 0) {
        fprintf(stderr, PROGRAM ": %s can't be started: %s\n", name, strerror(problem));
        return 1;
    }
    while (waitpid(child.pid, &status, 0) == -1) {
        if (errno != EINTR)
            return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* What it warns of, genconf has warned of. */
static int test_agent(const struct config_sources *sources, bool is_quiet)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int messages = memfd_create("messages", MFD_CLOEXEC);
    int status = 1;

    if (nowhere < 0 || messages < 0)
        fprintf(stderr, PROGRAM ": leastjobs-agent can't be started: %s\n", strerror(errno));
    else
        status = run("leastjobs-agent", sources, is_quiet ? nowhere : -1, messages);
    if (status != 0 && messages >= 0)
        write_content(STDERR_FILENO, messages);
    if (nowhere >= 0)
        close(nowhere);
    if (messages >= 0)
        close(messages);
    return status;
}

int check_configuration(const struct config_sources *sources, bool is_quiet)
{
    int status = run("leastjobs-genconf", sources, -1, -1);

    return status == 0 ? test_agent(sources, is_quiet) : status;
}

int check_command(int argc, char **argv)
{
    struct config_sources sources = {.environment = environ};
    const struct program program = {
        .name = PROGRAM,
        .purpose = "Says what is wrong with the configuration, if anything is. Nothing is written.",
        .notes =
            "Exit status: 0 if it is good, 1 if HAProxy refuses it or can't be run, 2 if it is "
            "bad.\n",
        .hides_options = true,
    };
    int status = arguments_parse(&program, argc, argv, &sources);

    if (status >= 0)
        return status;
    where_choose_files(&sources);
    return check_configuration(&sources, false);
}
