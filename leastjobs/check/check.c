#include "check/check.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "siblings.h"

#define PROGRAM "leastjobs check"
#define WORDS_MAX 10

/* The command line of a program that reads the same files; its texts are the caller's. */
static void add_sources(char **words, const struct config_sources *sources)
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

/* Returns its exit status, 1 if it can't be started or ends by a signal. */
static int run(char **words, bool is_silent)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;

    posix_spawn_file_actions_init(&actions);
    if (is_silent)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int problem = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) {
        fprintf(stderr, PROGRAM ": %s can't be started: %s\n", words[0], strerror(problem));
        return 1;
    }
    while (waitpid(pid, &status, 0) == -1) {
        if (errno != EINTR)
            return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int check_command(int argc, char **argv)
{
    struct config_sources sources = {0};
    const struct program program = {
        .name = PROGRAM,
        .purpose = "Says what is wrong with the configuration, if anything is.",
        .notes = "Exit status: 0 if it is good, 1 if HAProxy refuses it, 2 if it is bad.\n",
        .hides_options = true,
    };
    int status = arguments_parse(&program, argc, argv, &sources);

    if (status >= 0)
        return status;
    char *genconf = sibling_path("leastjobs-genconf");
    char *agent = sibling_path("leastjobs-agent");
    char *first[WORDS_MAX] = {genconf, "--check"};
    char *second[WORDS_MAX] = {agent, "--test"};
    add_sources(first, &sources);
    add_sources(second, &sources);
    status = run(first, true); /* haproxy.cfg itself isn't for people here */
    /* Of what is wrong for both, genconf has told. */
    if (status == 0)
        status = run(second, false);
    free(genconf);
    free(agent);
    return status;
}
