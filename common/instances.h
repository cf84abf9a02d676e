#ifndef LEASTJOBS_INSTANCES_H
#define LEASTJOBS_INSTANCES_H

#include <stdbool.h>

#include "config.h"
#include "errors.h"
#include "settings.h"

/* The variables of instances, INSTANCE_N_URL, and the list of instances that they make. */

enum instance_name {
    INSTANCE_NAME_OTHER, /* another variable */
    INSTANCE_NAME_GOOD,  /* with a number */
    INSTANCE_NAME_NUMBER, /* of the form INSTANCE_…_URL, but what is there isn't a number of ours */
};

/* Whether a name is INSTANCE_N_URL, N from 1 to INSTANCE_NUMBER_MAX; *number is N, or 0. */
enum instance_name instance_name_parse(const char *name, unsigned *number);

/*
 * Reads all of them into config->instances, in the order of their numbers, and reports bad URLs,
 * bad numbers (in a .env file an error, in the environment, which others write too, a warning),
 * URLs that are there twice or not at all, and those that look like a part of a request.
 */
void instances_read(struct config *config, const struct settings *settings, struct errors *errors);

/* What config_free() releases of them. */
void instances_free(struct config *config);

#endif
