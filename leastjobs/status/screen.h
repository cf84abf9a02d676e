#ifndef LEASTJOBS_SCREEN_H
#define LEASTJOBS_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

/*
 * A terminal that is drawn over again and again: on its alternate screen, without a cursor and
 * without the echo of what is typed, so that afterwards it is as it was. ECMA-48's sequences and
 * xterm's ?1049, which every terminal of today understands. One at a time: signals are the
 * process's.
 */

/* How large standard output is, by the terminal, else by COLUMNS, else 80 columns and 0 rows. */
void screen_size(int *columns, int *rows);

/* Whether colours are wanted there: a terminal that isn't dumb, and no NO_COLOR (no-color.org). */
bool screen_has_colours(void);

/* Begins, and from then on takes SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP and SIGWINCH. */
void screen_open(void);

/* Draws `text`, whose lines clear what is behind them, and clears what is below it. */
void screen_draw(const char *text, size_t length);

/*
 * Waits so long, or until something happens: true if the screen is to be drawn again. False: its
 * user has typed q or Ctrl-C, or a signal ends it, which is in *signal_number then, else 0.
 */
bool screen_wait(int wait_ms, int *signal_number);
void screen_close(void);

#endif
