#ifndef LEASTJOBS_PLACE_H
#define LEASTJOBS_PLACE_H

#include <stdbool.h>

#include "config.h"

/*
 * What lies beside HAProxy's socket: haproxy.cfg, the master's socket, and a lock, so that two
 * don't run on one socket.
 */
struct place {
    char *socket;      /* HAPROXY_SOCKET */
    char *admin;       /* the operator's */
    char *master;      /* the master's */
    char *config;      /* haproxy.cfg that is in force */
    char *new_config;  /* the next one */
    char *last_config; /* the one before, until HAProxy has taken the next */
    int lock;
};

/*
 * Takes it: the folder is made if it can be. NULL, after a message, if somebody else has it or it
 * can't be written to. place_free() gives it back.
 */
struct place *place_take(const struct config *config);
void place_free(struct place *place);

/*
 * A folder of its own below /tmp, with a configuration file of lowest precedence that has the
 * socket there. The file's path, which private_folder_remove() frees, or NULL after a message.
 */
char *private_folder_make(void);
/* With all that is in it. NULL: nothing happens. */
void private_folder_remove(char *file);

#endif
