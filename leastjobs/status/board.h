#ifndef LEASTJOBS_BOARD_H
#define LEASTJOBS_BOARD_H

#include <stdbool.h>
#include <stdio.h>

#include "running/fleet_view.h"

/*
 * What `leastjobs status` shows: a line of sums, one about HAProxy if it doesn't answer, then a
 * table with one line an instance. Pure but for the stream.
 */

enum board_sort {
    BOARD_BY_NUMBER,
    BOARD_BY_LOAD,  /* the greatest first */
    BOARD_BY_STATE, /* the worst first */
};

struct board_style {
    int columns; /* no line is longer, but it has at least BOARD_COLUMNS_MIN */
    int rows;    /* of all; instances beyond it are one line; 0: no bound */
    bool has_colours;
    bool has_utf8;
    bool clears_lines; /* each to its end: it is drawn over another one */
    enum board_sort sort;
};
#define BOARD_COLUMNS_MIN 20

void board_print(FILE *stream, const struct fleet_view *view, const struct board_style *style);

/* One line in the same style, such as why there is nothing to show; `is_bad`: in red. */
void board_print_line(FILE *stream, const struct board_style *style, bool is_bad, const char *text);

#endif
