#ifndef LEASTJOBS_MASTER_H
#define LEASTJOBS_MASTER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "run/workers.h"

/*
 * HAProxy's master, asked at its own socket (`haproxy -S`): whether it runs, whether a reload is
 * done, what its workers have open. A signal to a master that isn't ready for it ends it, so it is
 * told nothing before it has answered.
 */
struct master;

struct master_events {
    void (*ready)(void *context); /* a new master has a worker that takes jobs */
    void (*reloaded)(void *context, bool good);
    void *context;
};

/* `path` is copied. */
struct master *master_new(struct event_base *base, const char *path,
                          const struct master_events *events);
void master_free(struct master *master);

/* It has been started: asks it until it answers. Or it has ended: nothing is asked any more. */
void master_note_start(struct master *master);
void master_note_end(struct master *master);
bool master_is_ready(const struct master *master);
bool master_is_reloading(const struct master *master);

/* SIGUSR2 was sent to it; only when it is ready. It isn't until reloaded() has been called. */
void master_note_reload(struct master *master);

/* One round over all workers. */
struct master_round {
    const char *command; /* to each */
    void (*answered)(void *context, pid_t worker, const char *answer);
    void (*done)(void *context); /* the last one has answered, or nobody does */
    void *context;
};
/* `round` is copied; one that is under way is given up. */
void master_ask_workers(struct master *master, const struct master_round *round);

/* One line to it, whose answer isn't waited for: commands separated by ;, each to a worker
 * ("@!PID"). */
void master_tell(struct master *master, const char *line);

#endif
