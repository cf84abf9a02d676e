#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "check/check.h"
#include "drain/drain.h"
#include "explain/explain.h"
#include "reload/reload_command.h"
#include "run/run.h"
#include "status/status_command.h"
#include "version.h"

#define PROGRAM "leastjobs"

struct command {
    const char *name;
    const char *purpose;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

/* In the order of --help. */
static const struct command commands[] = {
    {"run", "runs HAProxy and the agent, and puts changes in force", run_command},
    {"status", "shows the instances, one line each", status_command},
    {"explain", "says which instance the next job goes to, and why", explain_command},
    {"drain", "takes instances out: their jobs end, no new ones come", drain_command},
    {"maint", "the same, also while the agent is dead", maint_command},
    {"ready", "puts instances back", ready_command},
    {"reload", "has it read its configuration again", reload_command},
    {"check", "says what is wrong with the configuration, if anything is", check_command},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int print_help(void)
{
    printf("Usage: " PROGRAM " COMMAND [OPTION]...\n"
           "Runs leastjobs, or asks and tells the one that runs.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s%s\n", commands[i].name, commands[i].purpose);
    printf("\n'" PROGRAM " COMMAND --help' says more, leastjobs(1) all.\n");
    if (fflush(stdout) == 0)
        return 0;
    fprintf(stderr, PROGRAM ": standard output can't be written: %s\n", strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    const char *name = argc < 2 ? "" : argv[1];

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0)
        return print_help();
    if (strcmp(name, "--version") == 0) {
        printf(PROGRAM " " LEASTJOBS_VERSION "\n");
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (argc < 2)
        fprintf(stderr, PROGRAM ": a command is missing\n");
    else
        fprintf(stderr, PROGRAM ": unknown command \"%s\"\n", name);
    fprintf(stderr, "Try '" PROGRAM " --help'.\n");
    return EXIT_USAGE;
}
