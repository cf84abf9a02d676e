#ifndef LEASTJOBS_INSTANCES_H
#define LEASTJOBS_INSTANCES_H

#include "config.h"
#include "errors.h"
#include "settings.h"

/* The list of instances that variables like INSTANCE_N_URL make (instance_names.h). */

/*
 * Reads all of them into config->instances, in the order of their numbers, and reports bad values,
 * bad numbers and values of instances without a URL (in a .env file an error, in the environment,
 * which others write too, a warning), URLs that are there twice or not at all, and those that look
 * like a part of a request. What an instance isn't given is the configuration's, for all.
 */
void instances_read(struct config *config, const struct settings *settings, struct errors *errors);

/* What config_free() releases of them. */
void instances_free(struct config *config);

#endif
