#ifndef LEASTJOBS_HEALTH_HEADERS_H
#define LEASTJOBS_HEALTH_HEADERS_H

#include "config.h"
#include "errors.h"

#define HEALTH_HEADERS_BYTES_MAX 16384
#define HEALTH_HEADERS_MAX 32

/*
 * Reads HEALTH_HEADERS_FILE, if there is one, into config->health_headers, which config_free()
 * releases: header fields (RFC 9110 section 5), "Name: value", one a line; blank lines and those
 * that start with "#" are passed over. What can't be read, or isn't one, is an error with the
 * line's number, and without what stands in it: it is a secret. A file that everybody can read is
 * warned of.
 */
void health_headers_read(struct config *config, struct errors *errors);

#endif
