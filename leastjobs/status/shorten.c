#include "status/shorten.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void shorten_age(double seconds, char text[SHORT_MAX])
{
    if (seconds < 0)
        snprintf(text, SHORT_MAX, "-");
    else if (seconds < 9.95)
        snprintf(text, SHORT_MAX, "%.1fs", seconds);
    else if (seconds < 99.5)
        snprintf(text, SHORT_MAX, "%.0fs", seconds);
    else if (seconds < 99.5 * 60)
        snprintf(text, SHORT_MAX, "%.0fm", seconds / 60);
    else if (seconds < 47.5 * 3600)
        snprintf(text, SHORT_MAX, "%.0fh", seconds / 3600);
    else
        snprintf(text, SHORT_MAX, "%.0fd", seconds / 86400);
}

void shorten_count(double count, char text[SHORT_MAX])
{
    if (count < 99999.5)
        snprintf(text, SHORT_MAX, "%.0f", round(count));
    else if (count < 99999.5e3)
        snprintf(text, SHORT_MAX, "%.0fk", count / 1e3);
    else
        snprintf(text, SHORT_MAX, "%.0fM", count / 1e6);
}

void shorten_pace(double per_minute, char text[SHORT_MAX])
{
    if (per_minute > 0 && per_minute < 9.95)
        snprintf(text, SHORT_MAX, "%.1f", per_minute);
    else
        shorten_count(per_minute, text);
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t shorten_columns(const char *text)
{
    size_t columns = 0;

    for (; *text != '\0'; text++)
        columns += begins_character(*text);
    return columns;
}

/* Where the character with this index begins. */
static char *character_at(char *text, size_t index)
{
    while (*text != '\0' && (index > 0 || !begins_character(*text))) {
        index -= begins_character(*text);
        text++;
    }
    while (!begins_character(*text))
        text++;
    return text;
}

void shorten_text(char *text, size_t columns, bool in_the_middle, bool has_utf8)
{
    const char *mark = has_utf8 ? "\xe2\x80\xa6" : "..";
    size_t mark_columns = has_utf8 ? 1 : 2;
    size_t all = shorten_columns(text);

    if (all <= columns)
        return;
    if (columns <= mark_columns) {
        *character_at(text, columns) = '\0';
        return;
    }
    size_t kept = columns - mark_columns;
    size_t behind = in_the_middle ? kept / 2 : 0;
    char *rest = character_at(text, all - behind);
    char *cut = character_at(text, kept - behind);
    /* Of two columns or more at least one is left out, so there is room for the mark. */
    memmove(cut + strlen(mark), rest, strlen(rest) + 1);
    for (; *mark != '\0'; mark++)
        *cut++ = *mark;
}
