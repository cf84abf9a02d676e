#ifndef LEASTJOBS_SECRETS_H
#define LEASTJOBS_SECRETS_H

#include "config.h"
#include "errors.h"

/* Shorter ones can be guessed. */
#define API_KEY_MIN 16
#define PASSWORD_MIN 12
#define PASSWORD_MAX 128

/*
 * Checks the files that only HAProxy and genconf may read, never the agent: that TLS_CERT_FILE
 * can be read, that API_KEYS_FILE has keys that a client can send (RFC 6750 section 2.1), and
 * ADMIN_PASSWORD_FILE passwords that a browser can (RFC 7617), and that HAProxy reads them as they
 * are meant. Messages name lines, never what is in them.
 */
void secrets_check(const struct config *config, struct errors *errors);

#endif
