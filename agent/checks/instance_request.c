#include "checks/instance_request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

CURL *instance_request_new(const struct config *config)
{
    CURL *easy = curl_easy_init();

    if (easy == NULL)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* else the environment is asked each time */
    if (config->instance_ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, config->instance_ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    return easy;
}

struct curl_slist *instance_request_go_to(CURL *easy, const char *address)
{
    bool is_ipv6 = strchr(address, ':') != NULL;
    char *entry = xasprintf(is_ipv6 ? "::[%s]:" : "::%s:", address); /* whatever name, its port */
    struct curl_slist *list = curl_slist_append(NULL, entry);

    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, list);
    free(entry);
    return list;
}
