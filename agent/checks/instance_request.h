#ifndef LEASTJOBS_INSTANCE_REQUEST_H
#define LEASTJOBS_INSTANCE_REQUEST_H

#include <curl/curl.h>

#include "config.h"

/*
 * What all requests of the agent to instances have in common: HTTP/1.1, no redirects, no proxy,
 * whatever the environment says, TLS verified by the configured CAs. Names are looked up by
 * lookup.h, never by libcurl.
 */

/* A handle for curl_easy_cleanup(); NULL without memory for it. `config` need not outlive it. */
CURL *instance_request_new(const struct config *config);

/*
 * Where it goes, whatever name is in its URL: Host, SNI and the certificate's name stay those.
 * Returns a list that the caller frees when the transfer has ended; libcurl doesn't copy it.
 */
struct curl_slist *instance_request_go_to(CURL *easy, const char *address);

#endif
