#include "run/run.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "arguments.h"
#include "file_limit.h"
#include "run/place.h"
#include "run/supervisor.h"

#define PROGRAM "leastjobs run"

static int refuse_both(void)
{
    fprintf(stderr, PROGRAM ": --private is a configuration file of its own: leave out --config\n"
                            "Try '" PROGRAM " --help'.\n");
    return EXIT_USAGE;
}

int run_command(int argc, char **argv)
{
    struct config_sources sources = {.environment = environ};
    struct supervisor_plan plan = {.sources = &sources, .sample = "FILE"};
    bool is_private = false;
    const struct argument own[] = {
        {"private", '\0', NULL, "unless HAPROXY_SOCKET is set, use a folder of its own below /tmp",
         NULL, &is_private},
        {"sample", '\0', "FILE", "what the example sends that is shown at the start", &plan.sample,
         NULL},
    };
    const struct program program = {
        .name = PROGRAM,
        .purpose = "Runs HAProxy and the agent, and puts every change of their files in force.",
        .notes = "Signals: SIGTERM and SIGINT stop it: open jobs may end for STOP_TIMEOUT, the\n"
                 "second one cuts them off. SIGHUP reads the files again, certificates too.\n"
                 "Exit status: 0 after that, 1 if something can't be started, 2 for a usage or\n"
                 "configuration error.\n",
        .arguments = own,
        .argument_count = sizeof(own) / sizeof(own[0]),
        .hides_options = true,
    };

    supervisor_hold_signals();
    int status = arguments_parse(&program, argc, argv, &sources);
    if (status >= 0)
        return status;
    if (is_private && sources.config_file != NULL)
        return refuse_both();
    signal(SIGPIPE, SIG_IGN);
    /* genconf, HAProxy and the agent count on as many as there may be. */
    file_limit_raise();
    char *private_file = is_private ? private_folder_make() : NULL;
    if (is_private && private_file == NULL)
        return 1;
    if (is_private)
        sources.config_file = private_file;
    status = supervisor_run(&plan);
    private_folder_remove(private_file);
    return status;
}
