#ifndef LEASTJOBS_LAST_JOBS_H
#define LEASTJOBS_LAST_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "running/fleet_view.h"
#include "running/servers.h"

/*
 * Whether the last job of an instance that gets no new ones has ended. HAProxy must have none open,
 * and a report must say so that came after the last one had gone from there: what goes on after its
 * answer is known to reports alone, and so are other people's jobs. Pure. Zero-initialise it, and
 * begin to look before the instance is taken out: the longer nothing has come or run, the older a
 * report may be.
 */
struct last_jobs {
    bool is_known;
    uint64_t sessions; /* requests so far, as of the last look */
    int64_t quiet_ms; /* monotonic: since when none is open and none has come, as far as was seen */
    double in_flight; /* by HAProxy */
    double others;    /* that it can't see */
    bool is_reported; /* of late enough */
    bool is_silent;   /* its checks fail, so there are no reports */
};

/*
 * Looks at HAProxy's counts, which were asked for at `asked_ms`, and at what the agent has said
 * after that, at `seen_ms` or later (NULL: it doesn't answer). True if none is left.
 */
bool last_jobs_look(struct last_jobs *jobs, const struct server *server, int64_t asked_ms,
                    const struct fleet_instance *instance, int64_t seen_ms);

#endif
