#ifndef LEASTJOBS_KEPT_H
#define LEASTJOBS_KEPT_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "run/child.h"

/* A process that is kept running: what ends is started again (restarts.h), until kept_release(). */
struct kept;

struct kept_plan {
    const char *name;      /* for messages */
    const char *meanwhile; /* what its end means, for the same */
    char *const *words;    /* its command line, which must outlive it */
    bool is_impatient;     /* see child.h */
    void (*started)(void *context);
    /* It has ended, and is started again unless it was released. `status` is wait(2)'s. */
    void (*ended)(void *context, int status);
    void *context;
};

/* Nothing runs before kept_start(). `plan` is copied. */
struct kept *kept_new(struct event_base *base, const struct kept_plan *plan);
/* The process isn't ended by that: see kept_is_running(). */
void kept_free(struct kept *kept);

/* Returns 0 or an error number: then nothing is tried again. */
int kept_start(struct kept *kept);

/* From now on its end is what is wanted. */
void kept_release(struct kept *kept);

void kept_signal(const struct kept *kept, int number);
bool kept_is_running(const struct kept *kept);

/* Whether the process that has ended was this one. */
bool kept_take(struct kept *kept, pid_t pid, int status);

#endif
