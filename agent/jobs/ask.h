#ifndef LEASTJOBS_ASK_H
#define LEASTJOBS_ASK_H

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "instances/farm.h"

/*
 * Requests of clients' that are put to instances: each ask is one of them to one instance. They
 * share a bound on how many there are at a time, and with it on connections.
 */
struct asks;
struct ask;

/* The header of an answer: its lines, of at most so many bytes together. */
#define ASK_HEADER_MAX (64U << 10)

struct ask_events {
    /*
     * Bytes of the body, after the whole header. Returns how many were taken: all; or 0, which
     * ends the answer; or CURL_WRITEFUNC_PAUSE, after which they come again by ask_go_on(). It may
     * not free an ask: libcurl is at work.
     */
    size_t (*data)(void *context, struct ask *ask, const char *bytes, size_t length);
    /*
     * The end, once, if it isn't freed before: with `problem` NULL the answer is complete, as far
     * as it was taken. It may free any ask.
     */
    void (*done)(void *context, struct ask *ask, const char *problem);
    void *context;
};

/* What is asked. All but the header lines is copied, or used during ask_new() only. */
struct question {
    enum evhttp_cmd_type method;
    const char *target;        /* path and query, below the instance's own path */
    struct curl_slist *header; /* must outlive the ask */
    const void *body;          /* must outlive the ask */
    size_t body_length;
};

/*
 * At most `most` at a time (0: no bound). `on_room` is called from the loop when one has ended and
 * there is room for another. NULL if libcurl or libevent can't be set up. The caller frees all asks
 * first, then calls asks_free().
 */
struct asks *asks_new(struct event_base *base, size_t most, void (*on_room)(void *context),
                      void *context);
void asks_free(struct asks *asks);

/* What instances there are; asks under way go on. Both must outlive it, or the next call. */
void asks_use(struct asks *asks, const struct config *config, const struct farm *farm);

bool asks_have_room(const struct asks *asks);

/* Asks farm->instances[index], from the loop on. The caller frees it, when it likes. */
struct ask *ask_new(struct asks *asks, size_t index, const struct question *question,
                    const struct ask_events *events);
void ask_free(struct ask *ask);

size_t ask_index(const struct ask *ask);
unsigned ask_number(const struct ask *ask);

/* The answer's status, 0 before there is one, and its header's lines, each ended by CRLF. */
long ask_status(const struct ask *ask);
const char *ask_header(const struct ask *ask);

/* Goes on after a pause; not from inside data(). */
void ask_go_on(struct ask *ask);

/*
 * The header fields of a client's request that go to an instance: not those that belong to its
 * connection alone, nor Host and Content-Length. The caller frees the list.
 */
struct curl_slist *ask_copy_header(struct evhttp_request *request);

#endif
