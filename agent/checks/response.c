#include "checks/response.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define BODY_FIRST_SIZE 1024

static size_t on_body(char *data, size_t unit, size_t count, void *argument)
{
    struct response *response = argument;
    size_t length = unit * count;

    if (length > CHECK_BODY_MAX - response->length) {
        response->is_too_large = true;
        return 0;
    }
    if (response->length + length > response->size) {
        size_t size = response->size == 0 ? BODY_FIRST_SIZE : response->size;
        while (size < response->length + length)
            size *= 2;
        response->body = xreallocarray(response->body, size, 1);
        response->size = size;
    }
    memcpy(response->body + response->length, data, length);
    response->length += length;
    return length;
}

void response_receive(struct response *response, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, response);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, response->problem);
}

void response_release(struct response *response)
{
    free(response->body);
    *response = (struct response){0};
}

static struct check_result result_of_status(const struct response *response, CURL *easy,
                                            const struct instance_config *instance, bool is_health)
{
    long status = 0;
    char *location = NULL;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
    if (status >= 300 && status < 400)
        return check_result_failed(CHECK_REDIRECT, "%ld to %s", status,
                                   location == NULL ? "nowhere" : location);
    if (status < 200 || status >= 300)
        return check_result_failed(CHECK_HTTP_STATUS, "%ld", status);
    if (is_health && instance->load.url != NULL)
        return (struct check_result){.reason = CHECK_PASSED};
    return check_result_from_answer(instance, response->body == NULL ? "" : response->body,
                                    response->length);
}

static struct check_result result_of_code(const struct response *response, CURLcode code,
                                          const struct config *config)
{
    const char *problem =
        response->problem[0] == '\0' ? curl_easy_strerror(code) : response->problem;

    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return check_result_failed(CHECK_TIMED_OUT, "no complete response within %u ms",
                                   config->check_timeout_ms);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return check_result_failed(CHECK_CONNECTION_FAILED, "%s", problem);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
        return check_result_failed(CHECK_TLS_FAILED, "%s", problem);
    default:
        if (response->is_too_large)
            return check_result_failed(CHECK_BODY_TOO_LARGE, "more than %d bytes", CHECK_BODY_MAX);
        return check_result_failed(CHECK_BROKEN_RESPONSE, "%s", problem);
    }
}

/* "/metrics" of "http://10.0.0.5:8000/metrics?a=b": a query may have a secret. */
static const char *path_of(const char *url, int *length)
{
    const char *authority = strstr(url, "://");
    const char *path = authority == NULL ? NULL : strchr(authority + 3, '/');
    const char *start = path == NULL ? url : path;

    *length = (int)strcspn(start, "?");
    return start;
}

/* Of two requests, which it was; and what to do where the server is known to need something. */
static void explain(struct check_result *result, const struct instance_config *instance,
                    bool is_health)
{
    bool is_one = instance->health.url == NULL || instance->load.url == NULL;
    bool is_hinted = !is_health && instance->preset->hint != NULL &&
                     (result->reason == CHECK_HTTP_STATUS || result->reason == CHECK_NO_JOB_COUNT);

    int length;

    if (is_one)
        return;
    const char *path = path_of(is_health ? instance->health.url : instance->load.url, &length);
    check_result_append(result, " from %.*s", length, path);
    if (is_hinted)
        check_result_append(result, ": %s", instance->preset->hint);
}

struct check_result response_result(const struct response *response, CURL *easy, CURLcode code,
                                    const struct config *config,
                                    const struct instance_config *instance, bool is_health)
{
    curl_off_t connected_us = 0;
    struct check_result result = code == CURLE_OK
                                     ? result_of_status(response, easy, instance, is_health)
                                     : result_of_code(response, code, config);

    result.counting = instance->preset->counting;
    if (result.reason == CHECK_PASSED)
        return result;
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    result.is_connected = connected_us > 0;
    explain(&result, instance, is_health);
    return result;
}
