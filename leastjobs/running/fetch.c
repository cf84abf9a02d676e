#include "running/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

struct body {
    char *bytes;
    size_t length;
    size_t size;
};

/* libcurl calls it for each piece; another number than the length ends the transfer. */
static size_t take_piece(char *bytes, size_t one, size_t length, void *context)
{
    struct body *body = context;

    if (length > FETCH_BODY_MAX - body->length)
        return 0;
    while (body->size - body->length <= length) {
        body->size = body->size == 0 ? CURL_MAX_WRITE_SIZE : 2 * body->size;
        body->bytes = xreallocarray(body->bytes, body->size, 1);
    }
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
    body->bytes[body->length] = '\0';
    return one * length;
}

static void perform(CURL *curl, const char *url, struct body *body, char *problem)
{
    char text[CURL_ERROR_SIZE] = "";
    long status = 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, FETCH_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        snprintf(problem, FETCH_PROBLEM_MAX, "%s",
                 text[0] == '\0' ? curl_easy_strerror(code) : text);
    else if (status != 200)
        snprintf(problem, FETCH_PROBLEM_MAX, "it answers with status %ld", status);
    else if (body->length == 0)
        snprintf(problem, FETCH_PROBLEM_MAX, "its answer is empty");
}

char *fetch_get(const char *url, size_t *length, char problem[FETCH_PROBLEM_MAX])
{
    struct body body = {0};
    CURL *curl = NULL;

    problem[0] = '\0';
    /* Without TLS, which takes a while to set up. */
    if (curl_global_init(CURL_GLOBAL_NOTHING) == 0)
        curl = curl_easy_init();
    if (curl == NULL)
        snprintf(problem, FETCH_PROBLEM_MAX, "libcurl can't be set up");
    else
        perform(curl, url, &body, problem);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    *length = body.length;
    if (problem[0] == '\0')
        return body.bytes;
    free(body.bytes);
    return NULL;
}
