#ifndef LEASTJOBS_ANSWER_H
#define LEASTJOBS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instances/farm.h"

/*
 * What HAProxy's runtime socket answered to several commands (management guide, section 9.3), one
 * answer behind the other with empty lines between them, as haproxy.h gives it:
 *
 *   show stat farm 4 …      open requests, requests so far, ids: showstat.h
 *   show servers state farm administrative states, addresses
 *   show table jobs …       each instance's count of accepted jobs (gpc0) and what the agent has
 *                           told about it (gpt0, and gpc1 where capacities are told); under
 *                           TABLE_MARK_KEY the agent's mark
 *   show table failed       each instance's penalty (gpt0)
 *
 * Answers that aren't there leave what is known as it is. Instances that an answer doesn't name
 * have no entry: zeros.
 */

/* No instance has this number. */
#define TABLE_MARK_KEY 0U

/* What of a farm an answer is about. */
enum answer_scope {
    ANSWER_ALL,  /* every instance */
    ANSWER_SOME, /* those that are named; the caller has set the others to zeros if it asked */
};

/* Some of the text: a line without its newline, one answer up to and with its empty line. */
struct answer_part {
    const char *text; /* NULL: it isn't there */
    size_t length;
};

/* Which answers are there, and where in the text, which must outlive it. */
struct answer {
    bool has_stat;
    bool has_servers;
    bool has_jobs;
    bool has_failed;
    bool has_mark;
    uint32_t mark;
    struct answer_part stat;    /* the first of them */
    struct answer_part servers; /* the same */
    struct answer_part tables;  /* from the first table to the end of all */
    const char *end;            /* of the text */
};

/* Looks for the answers and the mark only. */
struct answer answer_look(const char *text, size_t length);

/*
 * Notes in the farm what the answers say: in_flight, sessions, counters, server_id (show stat),
 * drained, maintained, address (show servers state, which alone knows of a drain while a server is
 * down), acceptances, told, told_capacity (table jobs), jobs_penalty (table failed). False if the
 * counts of show stat aren't there, or aren't whole; the other answers are noted nevertheless.
 */
bool answer_apply(struct farm *farm, const struct answer *answer, enum answer_scope scope);

#endif
