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
#include "running/targets.h"
#include "running/where.h"

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
static int explain(const struct arguments *arguments, const struct servers *servers,
                   const struct fleet_view *view, unsigned number)
{
    struct explanation explanation;
    struct errors ignored = {0};
    struct config *config = view == NULL ? config_load(&arguments->sources, &ignored) : NULL;

    errors_free(&ignored);
    explanation_make(&explanation, servers, view, config);
    int status = show(&explanation, number, arguments->is_json);
    explanation_free(&explanation);
    config_free(config);
    return status;
}

static int ask(const struct arguments *arguments, const struct where *where, char *const *words,
               size_t count)
{
    char problem[FLEET_PROBLEM_MAX];
    char why[RUNTIME_PROBLEM_MAX];
    struct fleet_view view;
    struct servers servers;
    unsigned number = 0;
    int status = EXIT_USAGE;

    bool has_agent = fleet_view_get(&view, where, problem);
    const char *socket = has_agent && view.socket != NULL ? view.socket : where->socket;
    if (!has_agent)
        fprintf(stderr, PROGRAM ": %s\n", problem);
    if (!servers_ask(&servers, socket, why)) {
        fprintf(stderr, PROGRAM ": HAProxy can't be asked on %s: %s\n", socket, why);
        status = EXIT_UNREACHABLE;
    } else if (count == 0 || targets_parse(&number, words, count, &servers, PROGRAM) == 1) {
        status = explain(arguments, &servers, has_agent ? &view : NULL, number);
    }
    servers_free(&servers);
    fleet_view_free(&view);
    return status;
}

int explain_command(int argc, char **argv)
{
    struct arguments arguments = {.sources = {.environment = environ}};
    struct where where = {0};

    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    if (argc - optind > 1) {
        fprintf(stderr, PROGRAM ": unexpected argument \"%s\": one instance, or none\n",
                argv[optind + 1]);
        return EXIT_USAGE;
    }
    where_choose_files(&arguments.sources);
    status = where_find(&where, &arguments.sources, PROGRAM);
    if (status < 0)
        status = ask(&arguments, &where, argv + optind, (size_t)(argc - optind));
    where_free(&where);
    return status;
}
