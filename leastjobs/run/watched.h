#ifndef LEASTJOBS_WATCHED_H
#define LEASTJOBS_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/*
 * The files that the configuration is made of, and how they were when they were looked at last.
 * They are looked at with stat(2), by name: so it is seen when an editor replaces one, when a
 * symbolic link is switched (Kubernetes' ConfigMaps), when one appears or vanishes, and also in
 * folders that a container shares with its host, where inotify(7) says nothing.
 */
struct watched;

struct watched *watched_new(const struct config_sources *sources);
void watched_free(struct watched *watched);

/*
 * Also the files that a configuration names (NULL: none is known), instead of those of the one
 * before. One that wasn't looked at before counts as unchanged.
 */
void watched_name(struct watched *watched, const struct config *config);

struct watched_change {
    bool any;
    bool is_read_by_haproxy; /* one that haproxy.cfg only names: its bytes stay the same */
};

/* What has changed since the last time. */
struct watched_change watched_look(struct watched *watched);

#endif
