#include "grammar.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define DIGITS "0123456789"
#define WHOLE_DIGITS_MAX 12
#define DURATION_DIGITS_MAX 9
#define DURATION_FRACTION_MAX 3

bool grammar_parse_whole(const char *text, unsigned long long *value)
{
    size_t length = strspn(text, DIGITS);

    if (length == 0 || length > WHOLE_DIGITS_MAX || text[length] != '\0')
        return false;
    *value = strtoull(text, NULL, 10);
    return true;
}

/* Milliseconds in a unit; 0 if there is no such unit. */
static unsigned unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        unsigned ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ms;
    }
    return 0;
}

const char *grammar_parse_duration(const char *text, unsigned long long *ms)
{
    size_t whole = strspn(text, DIGITS);
    size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, DIGITS) : 0;
    size_t length = whole + (fraction > 0 ? fraction + 1 : 0);
    unsigned unit = unit_ms(text + length);

    if (whole == 0 || whole > DURATION_DIGITS_MAX || fraction > DURATION_FRACTION_MAX)
        return "expected a number of seconds, or a number with a unit (500ms, 2s, 1m, 1h)";
    if (unit == 0)
        return "unknown unit: use ms, s, m, h or d, or none for seconds";
    unsigned long long thousandths = strtoull(text, NULL, 10) * 1000;
    unsigned scale = 100;
    for (size_t i = 0; i < fraction; i++, scale /= 10)
        thousandths += (unsigned)(text[whole + 1 + i] - '0') * scale;
    /* Far above every option's maximum, and the product stays within 64 bits. */
    if (thousandths > UINT64_MAX / unit)
        thousandths = UINT64_MAX / unit;
    *ms = thousandths * unit / 1000;
    return NULL;
}

/* 32 or 128; 0 if it is no address. */
static unsigned address_bits(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, text, address) == 1)
        return 32;
    return inet_pton(AF_INET6, text, address) == 1 ? 128 : 0;
}

bool grammar_is_address(const char *text)
{
    return address_bits(text) != 0;
}

bool grammar_is_network(const char *text)
{
    size_t length = strcspn(text, "/");
    char *host = xstrndup(text, length);
    unsigned bits = address_bits(host);
    unsigned long long prefix = 0;

    free(host);
    if (bits == 0 || text[length] == '\0')
        return bits != 0;
    text += length + 1;
    return grammar_parse_whole(text, &prefix) && prefix <= bits &&
           (text[0] != '0' || text[1] == '\0');
}

bool grammar_is_user_name(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= GRAMMAR_USER_NAME_MAX && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_-") ==
               length;
}

/* No comma: for HAProxy it ends a socket's address and begins another. */
bool grammar_is_plain_file(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("-._~/:@+=", *c) == NULL)
            return false;
    }
    return text[0] != '\0' && strlen(text) <= GRAMMAR_FILE_PATH_MAX;
}

/*
 * HAProxy follows a path of names that are told apart by dots, and takes a number for an index:
 * names that need no quotes there are all that it is given.
 */
bool grammar_is_member_pointer(const char *text)
{
    size_t length = strlen(text);

    if (text[0] != '/' || length > GRAMMAR_MEMBER_MAX || text[length - 1] == '/')
        return false;
    for (; *text != '\0'; text++) {
        if (*text == '/' && !isalpha((unsigned char)text[1]) && text[1] != '_')
            return false;
        if (*text != '/' && !isalnum((unsigned char)*text) && strchr("_-", *text) == NULL)
            return false;
    }
    return true;
}

bool grammar_is_list(const char *text, bool (*check)(const char *part))
{
    bool good = text[0] != '\0';
    unsigned count = 0;

    while (good && *text != '\0') {
        size_t length = strcspn(text, ",");
        char *part = xstrndup(text, length);
        good = check(part) && ++count <= GRAMMAR_LIST_MAX;
        free(part);
        text += length;
        if (*text == ',' && *++text == '\0')
            good = false;
    }
    return good;
}
