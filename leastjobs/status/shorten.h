#ifndef LEASTJOBS_SHORTEN_H
#define LEASTJOBS_SHORTEN_H

#include <stdbool.h>
#include <stddef.h>

/* Texts and numbers for columns of a table that have so much room. Pure. */

#define SHORT_MAX 24

/* "0.4s", "12s", "3m", "2h", "5d"; "-" for a time below 0. */
void shorten_age(double seconds, char text[SHORT_MAX]);

/* "12", "123k", "12M": six characters at most. */
void shorten_count(double count, char text[SHORT_MAX]);

/* The same with a digit behind the point of what is below 10. */
void shorten_pace(double per_minute, char text[SHORT_MAX]);

/*
 * Leaves so much of a text as has room in `columns`, with a mark in place of its end or its middle:
 * two dots, or where UTF-8 is understood the one character of three. `text` has room for two bytes
 * more. What isn't ASCII is one column for each code point.
 */
void shorten_text(char *text, size_t columns, bool in_the_middle, bool has_utf8);
size_t shorten_columns(const char *text);

#endif
