#include "status/status_command.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "exits.h"
#include "running/fleet_view.h"
#include "running/where.h"
#include "status/board.h"
#include "status/screen.h"

#define PROGRAM "leastjobs status"
#define WATCH_MS 1000

struct arguments {
    struct config_sources sources;
    bool watches;
    bool is_json;
    const char *sort;
};

static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct argument own[] = {
        {"watch", 'w', NULL, "redraw it every second, until q or Ctrl-C", NULL,
         &arguments->watches},
        {"sort", '\0', "BY", "number (the default), load (the greatest first) or state (the worst)",
         &arguments->sort, NULL},
        {"json", '\0', NULL, "all that the agent knows (its GET /fleet), as JSON", NULL,
         &arguments->is_json},
    };
    const struct program program = {
        .name = PROGRAM,
        .purpose = "Shows the instances: who takes jobs or why not, and how many they have.",
        .notes =
            "LOAD is what jobs are sent by: requests in FLIGHT through HAProxy, jobs of EXTernal\n"
            "origin, ACCepted asynchronous ones, a PENalty for failures. CAP is the capacity, AGE\n"
            "that of the last report, /MIN jobs a minute.\n"
            "Exit status: 0 if an instance takes jobs, 3 if none does, 1 if the agent or HAProxy\n"
            "doesn't answer, 2 for a usage error.\n",
        .arguments = own,
        .argument_count = sizeof(own) / sizeof(own[0]),
        .hides_options = true,
    };

    return arguments_parse(&program, argc, argv, &arguments->sources);
}

static int refuse(const char *why)
{
    fprintf(stderr, PROGRAM ": %s\nTry '" PROGRAM " --help'.\n", why);
    return EXIT_USAGE;
}

/* -1 to go on. */
static int understand_sort(const char *word, enum board_sort *sort)
{
    static const char *const words[] = {
        [BOARD_BY_NUMBER] = "number", [BOARD_BY_LOAD] = "load", [BOARD_BY_STATE] = "state"};

    for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            *sort = (enum board_sort)i;
            return -1;
        }
    }
    return word == NULL ? -1 : refuse("--sort takes number, load or state");
}

static struct board_style style_of(enum board_sort sort)
{
    struct board_style style = {.sort = sort, .has_colours = screen_has_colours()};
    int rows;

    screen_size(&style.columns, &rows);
    style.has_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return style;
}

static int exit_of(const struct fleet_view *view)
{
    if (!view->has_haproxy || view->haproxy_problem != NULL)
        return EXIT_UNREACHABLE;
    return fleet_count_takers(view) > 0 ? 0 : EXIT_NOT_SO;
}

static int show_once(const struct where *where, enum board_sort sort, bool is_json)
{
    const struct board_style style = style_of(sort);
    char problem[FLEET_PROBLEM_MAX];
    struct fleet_view view;

    if (!fleet_view_get(&view, where, problem)) {
        fprintf(stderr, PROGRAM ": %s\n", problem);
        return EXIT_UNREACHABLE;
    }
    if (is_json)
        puts(view.text);
    else
        board_print(stdout, &view, &style);
    int status = exit_of(&view);
    fleet_view_free(&view);
    if (fflush(stdout) == 0)
        return status;
    fprintf(stderr, PROGRAM ": standard output can't be written: %s\n", strerror(errno));
    return EXIT_UNREACHABLE;
}

/* Also when the agent doesn't answer: it may come back. */
static void draw(const struct where *where, enum board_sort sort)
{
    struct board_style style = style_of(sort);
    char problem[FLEET_PROBLEM_MAX];
    struct fleet_view view;
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    if (memory == NULL)
        return;
    screen_size(&style.columns, &style.rows);
    style.clears_lines = true;
    if (fleet_view_get(&view, where, problem)) {
        board_print(memory, &view, &style);
        fleet_view_free(&view);
    } else {
        board_print_line(memory, &style, true, problem);
    }
    if (fclose(memory) == 0)
        screen_draw(text, length);
    free(text);
}

static int watch(const struct where *where, enum board_sort sort)
{
    int signal_number = 0;

    screen_open();
    do
        draw(where, sort);
    while (screen_wait(WATCH_MS, &signal_number));
    screen_close();
    return signal_number == 0 ? 0 : 128 + signal_number;
}

int status_command(int argc, char **argv)
{
    struct arguments arguments = {.sources = {.environment = environ}};
    enum board_sort sort = BOARD_BY_NUMBER;
    struct where where = {0};

    int status = read_arguments(argc, argv, &arguments);
    if (status < 0)
        status = understand_sort(arguments.sort, &sort);
    if (status < 0 && arguments.watches && (arguments.is_json || !isatty(STDOUT_FILENO)))
        status = refuse("--watch is for a terminal, and without --json");
    if (status >= 0)
        return status;
    setlocale(LC_CTYPE, "");
    where_choose_files(&arguments.sources);
    status = where_find(&where, &arguments.sources, PROGRAM);
    if (status < 0)
        status =
            arguments.watches ? watch(&where, sort) : show_once(&where, sort, arguments.is_json);
    where_free(&where);
    return status;
}
