#ifndef LEASTJOBS_RELOAD_H
#define LEASTJOBS_RELOAD_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "config.h"
#include "run/kept.h"
#include "run/master.h"
#include "run/place.h"

/*
 * From a changed file to a configuration in force: the files are watched (watched.h), read when
 * they are left alone (settle.h), checked and made into haproxy.cfg (generate.h); the agent is told
 * by SIGHUP, and HAProxy, where haproxy.cfg or what it names has changed, by SIGUSR2 to its master:
 * then a new worker takes new jobs, and the old one ends those that it has. A bad configuration
 * changes nothing, nor does one whose ports can't be had (ports.h).
 */
struct reload;

/* All must outlive it. */
struct reload_parts {
    struct event_base *base;
    const struct config_sources *sources;
    const struct place *place;
    const struct kept *agent;
    const struct kept *haproxy;
    struct master *master;
    struct following *following; /* is told of a configuration that is taken; NULL: there is none */
};

/* The files are looked at now, and then from reload_start() on. Owns `config`, that of the start.
 */
struct reload *reload_new(const struct reload_parts *parts, struct config *config);
void reload_start(struct reload *reload);
/* No more; what is under way is given up. */
void reload_stop(struct reload *reload);
void reload_free(struct reload *reload);

/* Something has changed that isn't one of the files: what is found (following.h). */
void reload_soon(struct reload *reload);

/* Whether anything has changed or not. */
void reload_now(struct reload *reload);

/* What is in force; good until the next reload. */
const struct config *reload_config(const struct reload *reload);

/* The master's events, and its end. */
void reload_note_ready(struct reload *reload);
void reload_note_end(struct reload *reload);
void reload_note_done(struct reload *reload, bool good);

/* Whether the process that has ended was of this. */
bool reload_take(struct reload *reload, pid_t pid, int status);

#endif
