#ifndef LEASTJOBS_FARM_H
#define LEASTJOBS_FARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "instances/failures.h"
#include "instances/instance.h"

/* All instances, in the order of their numbers. Owns them. */
struct farm {
    struct instance *instances;
    size_t count;
    int64_t busy_ms;    /* monotonic: when jobs of ours were last seen; 0: never */
    bool is_async;      /* some of them were asynchronous, and external ones are still reported */
    bool is_inherited;  /* jobs of an old HAProxy process may be among the external ones */
    int64_t process_ms; /* monotonic: when the process was met */
    uint32_t mark; /* of this agent, in HAProxy's table: a process without it is a new one; not 0 */
    struct failures failures; /* the latest of all instances */
};

/*
 * A new farm for a configuration. What `previous` (or NULL) knows of an instance with the same
 * number and URL is taken over. The caller releases it with farm_free().
 */
struct farm *farm_new(const struct config *config, const struct farm *previous,
                      const struct moment *now);
void farm_free(struct farm *farm);

/* NULL if there is no such instance. */
struct instance *farm_find(const struct farm *farm, unsigned number);
size_t farm_count_healthy(const struct farm *farm);

/* Whether any is drained (by HAProxy's operator, or leaving), or set to maint. */
bool farm_has_withdrawn(const struct farm *farm);

/* Whether every instance that may get jobs has had some failed lately, or connections. */
bool farm_fails_alike(const struct farm *farm);

#endif
