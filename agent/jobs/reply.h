#ifndef LEASTJOBS_REPLY_H
#define LEASTJOBS_REPLY_H

#include <event2/http.h>

/*
 * Answers of this program's own to a client: one, with this status and this JSON text, which is
 * freed. One of status 503 says when to ask again.
 */
void reply_json(struct evhttp_request *request, int status, char *text);

#endif
