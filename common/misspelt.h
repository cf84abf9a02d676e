#ifndef LEASTJOBS_MISSPELT_H
#define LEASTJOBS_MISSPELT_H

#include <stdbool.h>

#include "errors.h"
#include "settings.h"

/*
 * Variables whose name isn't ours but is most likely meant to be. A .env file is shared with
 * other programs, and the environment with all of them, so that the rule is a narrow one. Of our
 * names INSTANCE_N_URL and its like (with any digits for N) and those of ten or more characters
 * count. A name is near to one of them if it
 *
 * - has the same letters and digits: in another case, with underscores more, fewer or elsewhere, or
 *   with - or . for them (instance_1_url, HEALTHCHECK_INTERVAL),
 * - has the same words in another order (INSTANCE_URL_1),
 * - lacks the _FILE or _URL at the end (TLS_CERT, INSTANCE_1), or
 * - differs, apart from case, by one character that is missing, added or another, or by two
 *   neighbours exchanged (API_KEY_FILE, INSTANCES_1_URL); by two of these if the name of ours has
 *   16 or more characters.
 *
 * Shorter ones (PORT, THREADS, LOG_LEVEL) are too near to other programs', but in another case they
 * are ours (port; in a .env file only). Without a number, INSTANCE_URL, INSTANCE_URLS,
 * INSTANCES_URL and INSTANCES are near to INSTANCE_1_URL. Names that other programs are known to
 * have (API_KEYS, STATS_PORT) are near to none.
 *
 * It is surely ours that is meant if that has three or more words: hardly anybody else has a name
 * so near to INSTANCE_1_URL, TLS_CERT_FILE or HEALTH_CHECK_INTERVAL. Names near to those of one or
 * two words (MAX_CONNECTION, JOB_FIELD, port), and those without a number, may well be others'.
 */

#define MISSPELT_SUGGESTION_MAX 80

/*
 * The name of ours that `name`, which isn't one, is near to, in `suggestion` (of
 * MISSPELT_SUGGESTION_MAX bytes) and as the return value, and whether it is surely meant; or NULL.
 */
const char *misspelt_suggest(const char *name, char *suggestion, bool *is_sure);

/*
 * Reports each such name among `settings`: as an error if it is in a .env file and surely ours that
 * is meant, else as a warning. Where ours stands as well, with a value or an empty one, somebody
 * knows both: then it is a warning too.
 */
void misspelt_report(const struct settings *settings, struct errors *errors);

#endif
