#ifndef LEASTJOBS_ORDER_H
#define LEASTJOBS_ORDER_H

#include <stdbool.h>

#include "running/servers.h"

/* What an operator may say of a server (HAProxy's management guide, "set server … state"). */
struct order {
    const char *program; /* the command, for messages */
    const char *purpose;
    const char *word;  /* HAProxy's */
    const char *state; /* what an instance is then */
    bool needs_agent;  /* HAProxy alone doesn't heed it */
    bool can_wait;     /* for its last job */
    /* Whether the rules of haproxy.cfg heed it; `has_agent`: there is one that tells weights. */
    bool (*is_in_force)(const struct server *server, bool has_agent);
};

extern const struct order order_drain;
extern const struct order order_maint;
extern const struct order order_ready;

/* Says it of one instance at the operator's socket. False after a message on standard error. */
bool order_say(const struct order *order, const char *socket, unsigned number);

#endif
