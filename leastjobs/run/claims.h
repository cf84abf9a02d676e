#ifndef LEASTJOBS_CLAIMS_H
#define LEASTJOBS_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/ports.h"

/* The ports that both programs have, and those that a configuration is refused for, which are tried
 * again until they can be had. */
struct claims {
    struct ports held;
    struct ports wanted;
    bool is_refused; /* those wanted */
    int64_t next_ms; /* when they are tried again */
};

#define CLAIMS_AGAIN_MS 2000

/* Whether a configuration's ports can be had; if not, messages say why. */
bool claims_try(struct claims *claims, const struct config *config, int64_t now_ms);

/* Whether what was refused can be had now: once. */
bool claims_look(struct claims *claims, int64_t now_ms);

/* The agent, or HAProxy, has those of a configuration. */
void claims_hold(struct claims *claims, const struct config *config, bool of_agent);

#endif
