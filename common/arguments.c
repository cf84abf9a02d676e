#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "version.h"

#define COMMON_COUNT 4
#define ALL_MAX (ARGUMENTS_MAX + COMMON_COUNT)
/* What getopt_long() returns for the argument at an index; above all letters. */
#define FIRST_CODE 256
#define HELP_COLUMN 22

struct table {
    struct argument all[ALL_MAX]; /* the program's, then the common ones */
    size_t count;
    bool help;
    bool version;
};

static void fill_table(struct table *table, const struct program *program,
                       struct config_sources *sources)
{
    const struct argument common[COMMON_COUNT] = {
        {"env-file", 'e', "FILE", "read a .env file too (the environment has precedence)",
         &sources->env_file, NULL},
        {"config", 'c', "FILE", "read a libconfig file too (both have precedence)",
         &sources->config_file, NULL},
        {"help", '\0', NULL, "show this", NULL, &table->help},
        {"version", '\0', NULL, "show the version", NULL, &table->version},
    };

    *table = (struct table){0};
    memcpy(table->all, common, 2 * sizeof(common[0]));
    for (size_t i = 0; i < program->argument_count; i++)
        table->all[2 + i] = program->arguments[i];
    memcpy(table->all + 2 + program->argument_count, common + 2, 2 * sizeof(common[0]));
    table->count = program->argument_count + COMMON_COUNT;
}

static void print_help(const struct program *program, const struct table *table)
{
    printf("Usage: %s [OPTION]...%s%s\n%s\n\n", program->name, program->operands == NULL ? "" : " ",
           program->operands == NULL ? "" : program->operands, program->purpose);
    for (size_t i = 0; i < table->count; i++) {
        const struct argument *a = &table->all[i];
        char short_one[] = "    ";
        if (a->letter != '\0')
            snprintf(short_one, sizeof(short_one), "-%c, ", a->letter);
        int used = printf("  %s--%s%s%s", short_one, a->name, a->kind == NULL ? "" : " ",
                          a->kind == NULL ? "" : a->kind);
        printf("%*s%s\n", used < HELP_COLUMN ? HELP_COLUMN - used + 1 : 1, "", a->help);
    }
    printf("\n%s", program->notes);
    if (program->hides_options)
        return;
    printf("\n");
    options_print(stdout);
}

/* The two forms of the table that getopt_long() wants. */
static void make_getopt(const struct table *table, struct option *options, char *letters)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct argument *a = &table->all[i];
        options[i] = (struct option){.name = a->name,
                                     .has_arg = a->kind == NULL ? no_argument : required_argument,
                                     .val = FIRST_CODE + (int)i};
        if (a->letter == '\0')
            continue;
        *letters++ = a->letter;
        if (a->kind != NULL)
            *letters++ = ':';
    }
    options[table->count] = (struct option){0};
    *letters = '\0';
}

static const struct argument *find(const struct table *table, int code)
{
    if (code >= FIRST_CODE)
        return &table->all[code - FIRST_CODE];
    for (size_t i = 0; i < table->count; i++) {
        if (table->all[i].letter != '\0' && table->all[i].letter == code)
            return &table->all[i];
    }
    return NULL;
}

/* Returns -1 to go on, or the exit status. */
static int finish(const struct program *program, const struct table *table)
{
    if (table->help)
        print_help(program, table);
    else if (table->version)
        printf("%s " LEASTJOBS_VERSION "\n", program->name);
    else
        return -1;
    if (fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "%s: standard output can't be written: %s\n", program->name, strerror(errno));
    return 1;
}

int arguments_parse(const struct program *program, int argc, char **argv,
                    struct config_sources *sources)
{
    struct table table;
    struct option options[ALL_MAX + 1];
    char letters[2 * ALL_MAX + 1];
    int code;
    int status = -1;

    fill_table(&table, program, sources);
    make_getopt(&table, options, letters);
    optind = 0; /* from the start, also the second time (getopt(3), glibc) */
    while (status < 0 && (code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const struct argument *argument = find(&table, code);
        if (argument == NULL) {
            fprintf(stderr, "Try '%s --help'.\n", program->name);
            return EXIT_USAGE;
        }
        if (argument->flag != NULL)
            *argument->flag = true;
        else
            *argument->value = optarg;
        status = finish(program, &table);
    }
    if (status < 0 && program->operands == NULL && optind < argc) {
        fprintf(stderr, "%s: unexpected argument \"%s\"\n", program->name, argv[optind]);
        return EXIT_USAGE;
    }
    return status;
}
