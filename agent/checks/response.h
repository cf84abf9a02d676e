#ifndef LEASTJOBS_RESPONSE_H
#define LEASTJOBS_RESPONSE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "instances/check_result.h"

/* What comes back for one request of a health check, and what it means. Zero-initialise it. */
struct response {
    char *body;
    size_t length;
    size_t size;
    bool is_too_large;
    char problem[CURL_ERROR_SIZE]; /* curl's, or the look-up's */
};

/* What a handle receives goes there, at most CHECK_BODY_MAX bytes of it. */
void response_receive(struct response *response, CURL *easy);

/* Releases what was received. */
void response_release(struct response *response);

/*
 * The outcome of a transfer of an instance's health or load request, which ended with `code`. A
 * health request that another one is to follow passes with any status 2xx.
 */
struct check_result response_result(const struct response *response, CURL *easy, CURLcode code,
                                    const struct config *config,
                                    const struct instance_config *instance, bool is_health);

#endif
