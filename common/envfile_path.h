#ifndef LEASTJOBS_ENVFILE_PATH_H
#define LEASTJOBS_ENVFILE_PATH_H

#include "config.h"
#include "errors.h"

/*
 * Of the environment: .env files, separated by colons. The first that is there is read, unless
 * another one is named on the command line; there need be none. A container has its own like that,
 * whoever runs what in it.
 */
#define ENVFILE_PATH_NAME "LEASTJOBS_ENV_FILE"

/* The .env file that is read now, NULL: none. The caller's to free(). */
char *envfile_path(const struct config_sources *sources);

/* Warns if none of them is there: what is missing may be in a file that nobody has put there. */
void envfile_path_note_absence(const struct config_sources *sources, struct errors *errors);

#endif
