#ifndef LEASTJOBS_SECRETS_H
#define LEASTJOBS_SECRETS_H

#include "config.h"
#include "errors.h"

/* Shorter keys can be guessed. */
#define API_KEY_MIN 16

/*
 * Checks the files that only HAProxy and genconf may read, never the agent: that TLS_CERT_FILE
 * can be read, and that API_KEYS_FILE has keys that a client can send (RFC 6750 section 2.1) and
 * HAProxy reads as they are meant. Messages name lines, never keys.
 */
void secrets_check(const struct config *config, struct errors *errors);

#endif
