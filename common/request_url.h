#ifndef LEASTJOBS_REQUEST_URL_H
#define LEASTJOBS_REQUEST_URL_H

#include <stdbool.h>

#include "url.h"

/*
 * Where an instance is asked for its load (LOAD_URL) or its health (HEALTH_PATH):
 *
 *   path = "/" … [ "?" query ]       below the instance's URL
 *   port = ":" number path           the same host, another port, nothing of the URL's path
 *   url  = a whole one with http:// or https://, and maybe a query
 *
 * Paths are as in an instance's URL; a query is one of RFC 3986. At most URL_TEXT_MAX characters.
 */

/* What is asked of an instance. It owns its texts. */
struct request {
    char *url;  /* whole; NULL: nothing is asked */
    char *host; /* of another host than the instance's, else NULL; an IPv6 address bare */
};

/* NULL, or what is wrong, in words that follow `VARIABLE="…": `; static or until the next call. */
const char *request_url_check(const char *text);

/* The same for a path alone. */
const char *request_path_check(const char *text);

/* The request to an instance. `text` has passed a check. To be released with request_free(). */
struct request request_make(const struct url *instance, const char *text);
void request_free(struct request *request);

#endif
