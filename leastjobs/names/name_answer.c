#include "names/name_answer.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

void name_answer_free(struct name_answer *answer)
{
    url_list_free(&answer->urls);
}

void name_urls_free(struct name_urls *urls)
{
    for (int family = 0; family < NAME_FAMILIES; family++)
        url_list_free(&urls->of[family]);
}

void name_urls_remember(struct name_urls *urls, const char *text)
{
    struct url url;

    if (url_parse(&url, text) != NULL)
        return;
    url_list_add(&urls->of[url.host_kind == URL_HOST_IPV6 ? NAME_IPV6 : NAME_IPV4], url.text);
    url_free(&url);
}

bool name_urls_take(struct name_urls *urls, struct name_answer answers[NAME_FAMILIES])
{
    bool is_known = false;

    for (int family = 0; family < NAME_FAMILIES; family++)
        is_known = is_known || answers[family].outcome == NAME_FOUND;
    for (int family = 0; is_known && family < NAME_FAMILIES; family++) {
        if (answers[family].outcome == NAME_FAILED)
            continue;
        url_list_free(&urls->of[family]);
        urls->of[family] = answers[family].urls;
        answers[family].urls = (struct url_list){0};
    }
    return is_known;
}

static int compare_ipv4(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct in_addr));
}

static int compare_ipv6(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct in6_addr));
}

static void add_url(struct url_list *urls, enum name_family family, const struct url *url,
                    const void *address)
{
    char host[INET6_ADDRSTRLEN];
    bool is_ipv6 = family == NAME_IPV6;
    struct url made;

    if ((is_ipv6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address)) ||
        inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, address, host, sizeof(host)) == NULL)
        return;
    char *text = xasprintf("http%s://%s%s%s:%u%s", url->tls ? "s" : "", is_ipv6 ? "[" : "", host,
                           is_ipv6 ? "]" : "", url->port, url->path);
    if (url_parse(&made, text) == NULL) {
        url_list_add(urls, made.text);
        url_free(&made);
    }
    free(text);
}

void name_answer_fill(struct name_answer *answer, enum name_family family, const struct url *url,
                      void *addresses, size_t count)
{
    size_t size = family == NAME_IPV6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    char *at = addresses;

    if (count > 0)
        qsort(at, count, size, family == NAME_IPV6 ? compare_ipv6 : compare_ipv4);
    for (size_t i = 0; i < count; i++, at += size) {
        if (i == 0 || memcmp(at, at - size, size) != 0)
            add_url(&answer->urls, family, url, at);
    }
    answer->outcome = answer->urls.count > 0 ? NAME_FOUND : NAME_EMPTY;
}
