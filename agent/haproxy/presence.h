#ifndef LEASTJOBS_PRESENCE_H
#define LEASTJOBS_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * Whether HAProxy answers on its socket: the log is told when that changes, not with each of the
 * many queries that end the same way. A plain value; set `socket` (its path, for messages, which
 * must outlive it) and zero the rest.
 */
#define PRESENCE_PROBLEM_MAX 80

struct presence {
    const char *socket;
    bool is_present;                    /* as of the last query that told */
    struct timespec since;              /* wall clock: since when; 0: no query has told yet */
    uint64_t answers;                   /* queries that were answered, ever */
    uint64_t failures;                  /* those that weren't, by a HAProxy that is there */
    bool is_known;                      /* what it is now has been logged */
    char problem[PRESENCE_PROBLEM_MAX]; /* why it doesn't answer, as last logged; "" if it does */
};

void presence_answered(struct presence *presence);

/* Nobody is behind the socket: `problem` says how that was seen. */
void presence_absent(struct presence *presence, const char *problem);

/* Somebody is, but gave no answer that could be used. */
void presence_failed(struct presence *presence, const char *problem);

#endif
