#include "drain/drain.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "arguments.h"
#include "drain/work.h"
#include "exits.h"
#include "option_value.h"
#include "options.h"
#include "running/site.h"
#include "running/targets.h"
#include "xalloc.h"

#define NAMES "N is an instance's number, 3 or instance3.\n"
#define STATUSES "Exit status: 0, 1 if it couldn't be done, 2 for a usage error.\n"
#define STATUSES_OF_WAIT                                                                           \
    "Exit status: 0, 1 if it couldn't be done, 2 for a usage error, 3 if jobs are left when the\n" \
    "time is over.\n"

struct arguments {
    struct config_sources sources;
    bool waits;
    const char *timeout;
    unsigned timeout_ms; /* 0: no end */
};

static int read_arguments(int argc, char **argv, const struct order *order,
                          struct arguments *arguments)
{
    const struct argument own[] = {
        {"wait", 'w', NULL, "return when no job is left there", NULL, &arguments->waits},
        {"timeout", 't', "TIME", "but after so long at the latest: 30, 5m, 2h", &arguments->timeout,
         NULL},
    };
    const struct program program = {
        .name = order->program,
        .purpose = order->purpose,
        .notes = order->can_wait ? NAMES STATUSES_OF_WAIT : NAMES STATUSES,
        .arguments = own,
        .argument_count = order->can_wait ? sizeof(own) / sizeof(own[0]) : 0,
        .operands = "N...",
        .hides_options = true,
    };

    return arguments_parse(&program, argc, argv, &arguments->sources);
}

static int refuse(const struct order *order, const char *why)
{
    fprintf(stderr, "%s: %s\nTry '%s --help'.\n", order->program, why, order->program);
    return EXIT_USAGE;
}

/* -1 to go on. */
static int understand_timeout(const struct order *order, struct arguments *arguments)
{
    static const struct option_info duration = {
        .name = "--timeout", .type = OPTION_DURATION, .minimum = 1, .maximum = 2000000000};

    if (arguments->timeout == NULL)
        return -1;
    if (!arguments->waits)
        return refuse(order, "--timeout is for --wait");
    const char *problem =
        option_value_set_field(&arguments->timeout_ms, &duration, arguments->timeout);
    if (problem == NULL)
        return -1;
    fprintf(stderr, "%s: --timeout \"%.40s\": %s\n", order->program, arguments->timeout, problem);
    return EXIT_USAGE;
}

static int find_and_carry_out(const struct order *order, const struct arguments *arguments,
                              struct site *site, char *const *words, size_t count)
{
    unsigned *numbers = xcalloc(count, sizeof(*numbers));
    struct work work = {.order = order,
                        .waits = arguments->waits,
                        .timeout_ms = arguments->timeout_ms,
                        .site = site};
    struct servers servers;
    int status = EXIT_UNREACHABLE;

    if (site_ask_servers(site, &servers, order->program)) {
        work.count = targets_parse(numbers, words, count, &servers, order->program);
        status = EXIT_USAGE;
    }
    servers_free(&servers);
    work.targets = xcalloc(count, sizeof(*work.targets));
    for (size_t i = 0; i < work.count; i++)
        work.targets[i].number = numbers[i];
    if (work.count > 0)
        status = work_carry_out(&work);
    free(work.targets);
    free(numbers);
    return status;
}

static int run(const struct order *order, int argc, char **argv)
{
    struct arguments arguments = {.sources = {.environment = environ}};
    struct site site = {0};

    int status = read_arguments(argc, argv, order, &arguments);
    if (status < 0)
        status = understand_timeout(order, &arguments);
    if (status < 0 && optind == argc)
        status = refuse(order, "which instance? A number is missing");
    if (status >= 0)
        return status;
    where_choose_files(&arguments.sources);
    status = site_find(&site, &arguments.sources, order->program);
    if (status < 0)
        status =
            find_and_carry_out(order, &arguments, &site, argv + optind, (size_t)(argc - optind));
    site_free(&site);
    return status;
}

int drain_command(int argc, char **argv)
{
    return run(&order_drain, argc, argv);
}

int maint_command(int argc, char **argv)
{
    return run(&order_maint, argc, argv);
}

int ready_command(int argc, char **argv)
{
    return run(&order_ready, argc, argv);
}
