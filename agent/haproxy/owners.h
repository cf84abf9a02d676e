#ifndef LEASTJOBS_OWNERS_H
#define LEASTJOBS_OWNERS_H

#include <stddef.h>

#include "haproxy/haproxy.h"
#include "names.h"

/*
 * Owners of jobs that HAProxy's table is to be told of (names.h has its meaning) when it answers
 * next. A plain value: zeros are none.
 */

/* More in the meantime are left out: those jobs are searched for again. */
#define OWNERS_MAX 256

struct owner {
    char key[OWNER_KEY_MAX + 1];
    unsigned number; /* of the instance */
};

struct owners {
    struct owner list[OWNERS_MAX];
    size_t count;
};

/* `id` has any bytes; an empty one, or one of more than JOB_ID_MAX, is left out. */
void owners_add(struct owners *owners, const unsigned char *id, size_t length, unsigned number);

/* Says all, and forgets them. */
void owners_tell(struct owners *owners, struct haproxy *haproxy);

#endif
