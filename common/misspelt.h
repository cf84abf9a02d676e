#ifndef LEASTJOBS_MISSPELT_H
#define LEASTJOBS_MISSPELT_H

#include "errors.h"
#include "settings.h"

/*
 * Variables whose name isn't ours but is most likely meant to be. A .env file is shared with
 * other programs, and the environment with all of them, so that the rule is a narrow one. Of our
 * names only INSTANCE_N_URL and its like (with any digits for N) and those of ten or more
 * characters count: shorter ones (PORT, THREADS, LOG_LEVEL) are too near to other programs'. A name
 * is near to one of them if it
 *
 * - has the same letters and digits: in another case, with underscores more, fewer or elsewhere, or
 *   with - or . for them (instance_1_url, HEALTHCHECK_INTERVAL),
 * - has the same words in another order (INSTANCE_URL_1),
 * - lacks the _FILE or _URL at the end (TLS_CERT, INSTANCE_1), or
 * - differs, apart from case, by one character that is missing, added or another, or by two
 *   neighbours exchanged (API_KEY_FILE, INSTANCES_1_URL); by two of these if the name of ours has
 *   16 or more characters.
 *
 * It isn't if it is one that other programs are known to have (API_KEYS, STATS_PORT), or if the
 * name that it is near to has a value too: then somebody else means it as it is.
 */

#define MISSPELT_SUGGESTION_MAX 80

/*
 * The name of ours that `name`, which isn't one, is near to, in `suggestion` (of
 * MISSPELT_SUGGESTION_MAX bytes) and as the return value; or NULL.
 */
const char *misspelt_suggest(const char *name, char *suggestion);

/*
 * Reports each such name among `settings`: from a .env file as an error, from the environment,
 * which is everybody's, as a warning.
 */
void misspelt_report(const struct settings *settings, struct errors *errors);

#endif
