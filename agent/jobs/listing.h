#ifndef LEASTJOBS_LISTING_H
#define LEASTJOBS_LISTING_H

#include <event2/http.h>

#include "jobs/search.h"

/*
 * A client's request for the list of all jobs: every instance is asked for its own, and they are
 * put together (job_list.h). Who hasn't answered whole within CHECK_TIMEOUT, or has too much to
 * say, is named as missing; if nobody has, the answer is 503, or their own refusal.
 */
struct listing;

/* Of one instance's list, and of all that are being read or sent. */
#define LISTING_BODY_MAX (16U << 20)
#define LISTING_BYTES_MAX (24U << 20)

/*
 * The request and `context` must outlive it. As for `over`, and who frees it, see search.h.
 */
struct listing *listing_new(const struct jobs_context *context, struct evhttp_request *request,
                            void (*over)(void *owner), void *owner);
void listing_free(struct listing *listing);
void listing_go_on(struct listing *listing);
void listing_restart(struct listing *listing);

#endif
