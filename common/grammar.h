#ifndef LEASTJOBS_GRAMMAR_H
#define LEASTJOBS_GRAMMAR_H

#include <stdbool.h>

/*
 * How values are written: text in, yes or no out. Nothing here knows of options. What passes can't
 * end a word of haproxy.cfg or begin a directive there. Locators of job counts, which only the
 * agent reads, are the sources' to check (sources/source.h).
 */

#define GRAMMAR_LIST_MAX 16
#define GRAMMAR_FILE_PATH_MAX 1024
#define GRAMMAR_USER_NAME_MAX 32
/* What HAProxy's json_query() has room for, and more than anybody needs. */
#define GRAMMAR_MEMBER_MAX 200

/* Decimal digits only, 12 of them at most. */
bool grammar_parse_whole(const char *text, unsigned long long *value);

/*
 * A decimal number of at most 9 + 3 digits and a unit (ms, s, m, h or d; seconds without one),
 * exactly, in milliseconds; what doesn't fit 64 bits is far above any maximum. Returns NULL, or
 * what is wrong.
 */
const char *grammar_parse_duration(const char *text, unsigned long long *ms);

/* An IPv4 or IPv6 address, as inet_pton(3) has it: four decimal numbers, no brackets, no zone. */
bool grammar_is_address(const char *text);

/* An address, or a block by RFC 4632 section 3.1 and RFC 4291 section 2.3. */
bool grammar_is_network(const char *text);

/* What useradd(8) of Debian takes. */
bool grammar_is_user_name(const char *text);

/* Letters, digits and -._~/:@+=, at most GRAMMAR_FILE_PATH_MAX of them. */
bool grammar_is_plain_file(const char *text);

/*
 * A JSON Pointer (RFC 6901) that HAProxy's json_query() can follow: names of letters, digits, _ and
 * -.
 */
bool grammar_is_member_pointer(const char *text);

/*
 * Calls `check` for each part of a list separated by commas. True if all pass, and there are 1 to
 * GRAMMAR_LIST_MAX of them.
 */
bool grammar_is_list(const char *text, bool (*check)(const char *part));

#endif
