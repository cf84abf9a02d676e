#include "conffile_check.h"

#include <ctype.h>
#include <string.h>

/* Longer numbers may not fit 32 bits. */
#define DIGITS_MAX 9
#define HEX_DIGITS_MAX 7
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*-"

static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
    }
    return *at == '\0' ? at : at + 1;
}

static const char *skip_comment(const char *at)
{
    if (*at == '#' || at[1] == '/')
        return at + strcspn(at, "\n");
    const char *end = strstr(at + 2, "*/");
    return end == NULL ? at + strlen(at) : end + 2;
}

static const char *skip_number(const char *at, bool *too_large)
{
    bool is_hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    const char *start = is_hex ? at + 2 : at;
    size_t digits = strspn(start, is_hex ? "0123456789abcdefABCDEF" : "0123456789");

    /* With an L behind them they are of 64 bits. */
    *too_large = digits > (is_hex ? HEX_DIGITS_MAX : DIGITS_MAX) && start[digits] != 'L';
    return start + digits;
}

static const char *skip_token(const char *at, bool *too_large)
{
    *too_large = false;
    if (*at == '"')
        return skip_string(at);
    if (*at == '#' || (*at == '/' && (at[1] == '/' || at[1] == '*')))
        return skip_comment(at);
    if (isdigit((unsigned char)*at))
        return skip_number(at, too_large);
    size_t name = 0;
    if (isalpha((unsigned char)*at) || *at == '*')
        name = strspn(at, NAME_CHARACTERS);
    return at + (name > 0 ? name : 1);
}

bool conffile_check(const char *text, const char *name, struct errors *errors)
{
    unsigned line = 1;

    while (*text != '\0') {
        bool too_large;
        const char *next = skip_token(text, &too_large);
        if (too_large || *text == '@') {
            errors_add(errors, "%s line %u: %s", name, line,
                       too_large ? "the number is too large" : "@include isn't supported");
            return false;
        }
        for (; text < next; text++)
            line += *text == '\n';
    }
    return true;
}
