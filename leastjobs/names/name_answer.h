#ifndef LEASTJOBS_NAME_ANSWER_H
#define LEASTJOBS_NAME_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "names/url_list.h"
#include "url.h"

/* What a name of INSTANCES_DNS has become: the URLs of its addresses, by family. Pure. */
enum name_family { NAME_IPV4, NAME_IPV6, NAME_FAMILIES };

enum name_outcome {
    NAME_FOUND,  /* there are addresses */
    NAME_EMPTY,  /* the name has none of this family, or doesn't exist */
    NAME_FAILED, /* nobody knows */
};

#define NAME_PROBLEM_MAX 96

/* The end of one question, for one family. It owns its list. */
struct name_answer {
    enum name_outcome outcome;
    struct url_list urls;           /* of NAME_FOUND, in the order of the addresses */
    char problem[NAME_PROBLEM_MAX]; /* of the others, in words */
};

void name_answer_free(struct name_answer *answer);

struct name_urls {
    struct url_list of[NAME_FAMILIES];
};

void name_urls_free(struct name_urls *urls);

/* Adds a URL, as of a time before, to those of its family. */
void name_urls_remember(struct name_urls *urls, const char *text);

/*
 * What the answers of both families make of it; their lists may be taken over. A name that has
 * addresses of one family has those: of the other it has what was answered, or what it had if
 * nobody answered. A name that has no address at all keeps what it had. Returns whether the name
 * resolves.
 */
bool name_urls_take(struct name_urls *urls, struct name_answer answers[NAME_FAMILIES]);

/*
 * The URLs of addresses (in network byte order, of 4 or 16 bytes each), in their order, each once,
 * with the port and the path of `url`. Link-local ones are left out: they mean nothing without an
 * interface.
 */
void name_answer_fill(struct name_answer *answer, enum name_family family, const struct url *url,
                      void *addresses, size_t count);

#endif
