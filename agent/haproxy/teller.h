#ifndef LEASTJOBS_TELLER_H
#define LEASTJOBS_TELLER_H

#include <stdbool.h>

#include "haproxy/haproxy.h"
#include "instances/farm.h"

/*
 * What HAProxy's tables are told, on the connection on which it has just answered: each instance's
 * word when it has changed (names.h has its meaning), its capacity if reports say it, the agent's
 * mark in a process that hasn't got it, and that failures which all instances share are forgiven. A
 * plain value; set `farm` and `haproxy`, which must outlive it, and zero the rest.
 */
struct teller {
    struct farm *farm;
    struct haproxy *haproxy;
    bool has_table; /* HAProxy has the table that is written to; if not, nothing is told */
    bool is_new;    /* its process is, and hasn't the mark */
};

/* `is_all`: HAProxy's counts of all instances have just been read. */
void teller_tell(struct teller *teller, bool is_all);

#endif
