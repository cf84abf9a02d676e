#ifndef LEASTJOBS_TRANSFERS_H
#define LEASTJOBS_TRANSFERS_H

#include <curl/curl.h>
#include <event2/event.h>
#include <stddef.h>

/*
 * libcurl's multi interface inside libevent's loop: transfers go on while others do, each an easy
 * handle of the caller's. They are divided among several multi handles, since libcurl walks all of
 * one's connections and names at the end of each transfer: those of the same index always meet the
 * same connections again.
 */
struct transfers;

/* A transfer has ended. The handle is still added. Always from the loop. */
typedef void transfers_done(CURL *easy, CURLcode code);

/*
 * For indices below `count`, with at most `connections_max` open connections (0: no bound). NULL
 * if libcurl or libevent can't be set up. The caller releases it with transfers_free(), after it
 * has removed and cleaned up its handles, as curl_multi_cleanup(3) asks.
 */
struct transfers *transfers_new(struct event_base *base, size_t count, long connections_max,
                                transfers_done *done);
void transfers_free(struct transfers *transfers);

void transfers_add(struct transfers *transfers, size_t index, CURL *easy);

/* Gives it up, if it hasn't ended; one that wasn't added may be removed too. */
void transfers_remove(struct transfers *transfers, size_t index, CURL *easy);

#endif
