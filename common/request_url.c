#include "request_url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "xalloc.h"

#define PORT_MAX 65535
#define PROBLEM_MAX 256

static const char path_expected[] =
    "expected a path such as /health (letters, digits and -._~/:@+=, no empty, \".\" or \"..\" "
    "segments), maybe with a query such as ?a=b";
static const char url_expected[] =
    "expected a path such as /metrics, another port and a path such as :8002/metrics, or a URL "
    "with http:// or https://; a query such as ?a=b may follow";

/* RFC 3986 section 3.4. */
static bool is_query(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2]))
            continue;
        if (!isalnum((unsigned char)*text) && strchr("-._~!$&'()*+,;=:@/?", *text) == NULL)
            return false;
    }
    return true;
}

/* What stands before the query. The caller frees it. */
static char *before_query(const char *text)
{
    return xstrndup(text, strcspn(text, "?"));
}

static bool has_good_query(const char *text)
{
    const char *query = strchr(text, '?');

    return strlen(text) <= URL_TEXT_MAX && (query == NULL || is_query(query + 1));
}

static bool is_path(const char *text)
{
    char *path = before_query(text);
    bool is_good = url_is_plain_path(path) && has_good_query(text);

    free(path);
    return is_good;
}

const char *request_path_check(const char *text)
{
    return is_path(text) ? NULL : path_expected;
}

/* ":8002/…" */
static bool is_port_and_path(const char *text)
{
    size_t digits = strspn(text + 1, "0123456789");
    char *number = xstrndup(text + 1, digits);
    unsigned long long port = 0;
    bool is_good = grammar_parse_whole(number, &port) && number[0] != '0' && port <= PORT_MAX &&
                   is_path(text + 1 + digits);

    free(number);
    return is_good;
}

static const char *check_whole(const char *text)
{
    static char problem_text[PROBLEM_MAX];
    struct url url;
    char *base = before_query(text);
    const char *problem = url_parse(&url, base);

    if (problem == NULL)
        url_free(&url);
    else
        snprintf(problem_text, sizeof(problem_text), "%s", problem);
    free(base);
    if (problem != NULL)
        return problem_text;
    return has_good_query(text) ? NULL : url_expected;
}

const char *request_url_check(const char *text)
{
    if (text[0] == '/')
        return is_path(text) ? NULL : url_expected;
    if (text[0] == ':')
        return is_port_and_path(text) ? NULL : url_expected;
    return strstr(text, "://") == NULL ? url_expected : check_whole(text);
}

static struct request make_whole(const struct url *instance, const char *text)
{
    struct request request = {0};
    struct url url;
    char *base = before_query(text);

    if (url_parse(&url, base) == NULL) {
        request.url = xasprintf("%s%s%s", url.text, url.path[0] == '\0' ? "/" : "",
                                text + strcspn(text, "?"));
        if (strcmp(url.host, instance->host) != 0)
            request.host = xstrdup(url.host);
        url_free(&url);
    }
    free(base);
    return request;
}

struct request request_make(const struct url *instance, const char *text)
{
    bool is_ipv6 = instance->host_kind == URL_HOST_IPV6;

    if (text[0] == '/')
        return (struct request){.url = xasprintf("%s%s", instance->text, text)};
    if (text[0] == ':')
        return (struct request){.url = xasprintf("%s://%s%s%s%s", instance->tls ? "https" : "http",
                                                 is_ipv6 ? "[" : "", instance->host,
                                                 is_ipv6 ? "]" : "", text)};
    return make_whole(instance, text);
}

void request_free(struct request *request)
{
    free(request->url);
    free(request->host);
    *request = (struct request){0};
}
