#include "reload/reload_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "check/check.h"
#include "clock.h"
#include "exits.h"
#include "run/outcome.h"
#include "running/site.h"

#define PROGRAM "leastjobs reload"
/* A large configuration is checked by HAProxy in seconds, and its master reloaded in others. */
#define ANSWER_MS 60000
#define LOOK_MS 50

static int read_arguments(int argc, char **argv, struct config_sources *sources)
{
    const struct program program = {
        .name = PROGRAM,
        .purpose =
            "Has the running 'leastjobs run' read its configuration again, also certificates "
            "and\nkeys, and returns when it is in force.",
        .notes = "Under systemd's two units it is 'systemctl reload leastjobs-agent "
                 "leastjobs-haproxy'.\n"
                 "Exit status: 0, 1 if it couldn't be done, 2 for a bad configuration, which "
                 "changes nothing.\n",
        .hides_options = true,
    };

    return arguments_parse(&program, argc, argv, sources);
}

static int refuse(const char *socket)
{
    if (errno != 0 && errno != ENOENT)
        fprintf(stderr, PROGRAM ": %s" OUTCOME_LOCK_SUFFIX " can't be read: %s\n", socket,
                strerror(errno));
    else
        fprintf(stderr,
                PROGRAM
                ": no 'leastjobs run' has HAPROXY_SOCKET=\"%s\". Of the two services it is\n"
                "systemctl reload leastjobs-agent leastjobs-haproxy\n",
                socket);
    return EXIT_UNREACHABLE;
}

/* Its own messages are in the log of `leastjobs run`; here, what its files say now. */
static int say_what_is_bad(const struct config_sources *sources)
{
    fprintf(stderr, PROGRAM ": the new configuration is bad: the old one stays in force\n");
    if (check_configuration(sources, true) == 0)
        fprintf(stderr, PROGRAM ": why, the log of 'leastjobs run' says\n");
    return EXIT_USAGE;
}

static int report(const struct outcome *outcome, const struct config_sources *sources)
{
    switch (outcome->result) {
    case OUTCOME_IN_FORCE:
        printf("the configuration is in force\n");
        return fflush(stdout) == 0 ? 0 : EXIT_UNREACHABLE;
    case OUTCOME_BAD:
        return say_what_is_bad(sources);
    case OUTCOME_FAILED:
    case OUTCOME_NONE:
        break;
    }
    fprintf(stderr, PROGRAM ": HAProxy can't take the new configuration, and goes on with the old "
                            "one: why, the log of 'leastjobs run' says\n");
    return EXIT_UNREACHABLE;
}

/* -1 when it has come. */
static int await_answer(const char *socket, unsigned number, struct outcome *outcome)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    int64_t end_ms = clock_ms() + ANSWER_MS;

    while (clock_ms() < end_ms) {
        if (!outcome_read(socket, outcome)) {
            fprintf(stderr, PROGRAM ": 'leastjobs run' has ended\n");
            return EXIT_UNREACHABLE;
        }
        if ((int)(outcome->answered - number) >= 0)
            return -1;
        nanosleep(&pause, NULL);
    }
    fprintf(stderr,
            PROGRAM ": 'leastjobs run' (process %d) doesn't answer: it is starting, or stopping\n",
            (int)outcome->pid);
    return EXIT_UNREACHABLE;
}

static int reload(const char *socket, const struct config_sources *sources)
{
    struct outcome outcome = {0};

    if (!outcome_read(socket, &outcome))
        return refuse(socket);
    if (kill(outcome.pid, SIGHUP) != 0) {
        fprintf(stderr, PROGRAM ": 'leastjobs run' (process %d) can't be told: %s\n",
                (int)outcome.pid, strerror(errno));
        return EXIT_UNREACHABLE;
    }
    int status = await_answer(socket, outcome.asked + 1, &outcome);
    return status >= 0 ? status : report(&outcome, sources);
}

int reload_command(int argc, char **argv)
{
    struct config_sources sources = {.environment = environ};
    struct site site = {0};

    int status = read_arguments(argc, argv, &sources);
    if (status >= 0)
        return status;
    where_choose_files(&sources);
    status = site_find(&site, &sources, PROGRAM);
    if (status < 0)
        status = reload(site.socket, &sources);
    site_free(&site);
    return status;
}
