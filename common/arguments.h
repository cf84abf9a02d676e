#ifndef LEASTJOBS_ARGUMENTS_H
#define LEASTJOBS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

#define EXIT_USAGE 2

/*
 * The command line of all programs. Each has a table of its own arguments: another one is one
 * more row. All have --config, --env-file, --help and --version.
 */
struct argument {
    const char *name;   /* the long one, without its dashes */
    char letter;        /* the short one; '\0': none */
    const char *kind;   /* what --help calls its value, "FILE"; NULL: it has none */
    const char *help;   /* one line */
    const char **value; /* where its value goes, which lives as long as argv */
    bool *flag;         /* without a value: becomes true */
};

struct program {
    const char *name;
    const char *purpose; /* one sentence */
    const char *notes;   /* lines of --help after the arguments: signals, exit status */
    const struct argument *arguments;
    size_t argument_count; /* at most ARGUMENTS_MAX */
    const char *operands;  /* what --help calls what follows the arguments, "N..."; NULL: nothing */
    bool hides_options;    /* --help doesn't list the table of options.h */
};
#define ARGUMENTS_MAX 16

/*
 * Understands the command line, with the files' names going to `sources`. Operands are then from
 * argv[optind] on. Returns -1 to go on, or the exit status: 0 after --help and --version, 1 if they
 * can't be written, EXIT_USAGE for what is wrong, after a message on standard error.
 */
int arguments_parse(const struct program *program, int argc, char **argv,
                    struct config_sources *sources);

#endif
