#ifndef LEASTJOBS_WATCHED_H
#define LEASTJOBS_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "settings.h"

/*
 * The files that the configuration comes from, and those that it names, and how they were when they
 * were looked at last. They are looked at with stat(2), by name: so it is seen when an editor
 * replaces one, when a symbolic link is switched (Kubernetes' ConfigMaps), when one appears or
 * vanishes, and also in folders that a container shares with its host, where inotify(7) says
 * nothing.
 */
struct watched;

/* `sources` must outlive it. The caller releases it with watched_free(). */
struct watched *watched_new(const struct config_sources *sources);
void watched_free(struct watched *watched);

/*
 * What has been read names these files; whether it is good, and so in force from now on. Those of
 * what is in force stay watched beside those of a bad configuration, which may become good when one
 * of them appears. One that wasn't watched before counts as unchanged.
 */
void watched_name(struct watched *watched, const struct settings *settings, bool is_in_force);

struct watched_change {
    bool any;
    bool is_named_for_haproxy; /* by haproxy.cfg, whose bytes stay the same then */
};

/* What has changed since the last time. */
struct watched_change watched_look(struct watched *watched);

#endif
