#include "explain/explain.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "exits.h"
#include "explain/explanation.h"
#include "running/site.h"
#include "running/targets.h"

#define PROGRAM "leastjobs explain"

struct arguments {
    struct config_sources sources;
    bool is_json;
};

static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct argument own[] = {
        {"json", '\0', NULL, "the same as JSON", NULL, &arguments->is_json},
    };
    const struct program program = {
        .name = PROGRAM,
        .purpose =
            "Says which instance the next job goes to, and why: what the agent has read, what "
            "HAProxy\nhas, what its rules compute. With a number, of this instance alone.",
        .notes =
            "Exit status: 0 if there is one, 3 if no instance can take a job, 1 if HAProxy can't "
            "be\nasked, 2 for a usage error.\n",
        .arguments = own,
        .argument_count = sizeof(own) / sizeof(own[0]),
        .operands = "[N]",
        .hides_options = true,
    };

    return arguments_parse(&program, argc, argv, &arguments->sources);
}

static int show(const struct explanation *explanation, unsigned number, bool is_json)
{
    if (is_json) {
        char *text = explanation_json(explanation);
        puts(text);
        free(text);
    } else {
        explanation_print(stdout, explanation, number);
    }
    if (fflush(stdout) == 0)
        return explanation->picked > 0 ? 0 : EXIT_NOT_SO;
    fprintf(stderr, PROGRAM ": standard output can't be written: %s\n", strerror(errno));
    return EXIT_UNREACHABLE;
}

/* Without the agent, capacities are the configuration's. */
static int explain(const struct arguments *arguments, const struct site *site,
                   const struct servers *servers, unsigned number)
{
    struct explanation explanation;
    struct errors ignored = {0};
    struct config *config = site->has_agent ? NULL : config_load(&arguments->sources, &ignored);

    errors_free(&ignored);
    explanation_make(&explanation, servers, site->has_agent ? &site->view : NULL, config);
    int status = show(&explanation, number, arguments->is_json);
    explanation_free(&explanation);
    config_free(config);
    return status;
}

static int ask(const struct arguments *arguments, const struct site *site, char *const *words,
               size_t count)
{
    struct servers servers;
    unsigned number = 0;
    int status = EXIT_USAGE;

    if (!site->has_agent)
        fprintf(stderr, PROGRAM ": %s\n", site->problem);
    if (!site_ask_servers(site, &servers, PROGRAM))
        status = EXIT_UNREACHABLE;
    else if (count == 0 || targets_parse(&number, words, count, &servers, PROGRAM) == 1)
        status = explain(arguments, site, &servers, number);
    servers_free(&servers);
    return status;
}

int explain_command(int argc, char **argv)
{
    struct arguments arguments = {.sources = {.environment = environ}};
    struct site site = {0};

    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    if (argc - optind > 1) {
        fprintf(stderr, PROGRAM ": unexpected argument \"%s\": one instance, or none\n",
                argv[optind + 1]);
        return EXIT_USAGE;
    }
    where_choose_files(&arguments.sources);
    status = site_find(&site, &arguments.sources, PROGRAM);
    if (status < 0)
        status = ask(&arguments, &site, argv + optind, (size_t)(argc - optind));
    site_free(&site);
    return status;
}
