#include "origin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "url.h"
#include "xalloc.h"

#define EXPECTED "expected an origin as browsers send it, such as https://page.example:8443"
#define SCHEME_MAX 32
/* "[", an address, "]"; a name is longer. */
#define HOST_SIZE (URL_HOST_MAX + 1)
#define ORIGIN_MAX (SCHEME_MAX + sizeof("://") + URL_HOST_MAX + sizeof(":65535"))
#define PORT_MAX 65535

/* RFC 3986 section 3.1, in lower case. */
static bool is_scheme(const char *text, size_t length)
{
    if (length == 0 || length > SCHEME_MAX || !islower((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!islower(c) && !isdigit(c) && (c == '\0' || strchr("+-.", c) == NULL))
            return false;
    }
    return true;
}

/* In brackets, and as browsers write it. */
static bool is_ipv6_host(const char *host)
{
    struct in6_addr address;
    char written[INET6_ADDRSTRLEN];
    size_t length = strlen(host);

    if (length < 2 || host[0] != '[' || host[length - 1] != ']')
        return false;
    char *inner = xstrndup(host + 1, length - 2);
    bool good = inet_pton(AF_INET6, inner, &address) == 1 &&
                strcmp(inet_ntop(AF_INET6, &address, written, sizeof(written)), inner) == 0;
    free(inner);
    return good;
}

static bool is_host(const char *text, size_t length)
{
    char host[HOST_SIZE];

    if (length == 0 || length >= sizeof(host))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (isupper((unsigned char)text[i]))
            return false;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    return url_is_host_name(host) || is_ipv6_host(host) ||
           (strchr(host, ':') == NULL && grammar_is_address(host));
}

static unsigned default_port(const char *scheme, size_t length)
{
    if (length == strlen("https") && memcmp(scheme, "https", length) == 0)
        return 443;
    return length == strlen("http") && memcmp(scheme, "http", length) == 0 ? 80 : 0;
}

/* Digits without a leading zero, and not the scheme's own port. */
static bool is_port(const char *text, unsigned scheme_port)
{
    unsigned long long port;

    return text[0] != '0' && grammar_parse_whole(text, &port) && port >= 1 && port <= PORT_MAX &&
           port != scheme_port;
}

/* The colon before the port, or the end. */
static size_t host_length(const char *authority)
{
    size_t inner = authority[0] == '[' ? strcspn(authority, "]") : 0;

    return inner + strcspn(authority + inner, ":");
}

static bool is_origin(const char *text)
{
    const char *separator = strstr(text, "://");

    if (separator == NULL || !is_scheme(text, (size_t)(separator - text)))
        return false;
    const char *authority = separator + strlen("://");
    size_t length = host_length(authority);
    if (!is_host(authority, length))
        return false;
    return authority[length] == '\0' ||
           is_port(authority + length + 1, default_port(text, (size_t)(separator - text)));
}

/* In lower case, without path and own port, with a scheme. `mended` has room for ORIGIN_MAX. */
static void mend(const char *text, char *mended)
{
    const char *separator = strstr(text, "://");
    size_t scheme = separator == NULL ? 0 : (size_t)(separator - text) + strlen("://");
    size_t length = scheme + strcspn(text + scheme, "/");

    snprintf(mended, ORIGIN_MAX, "%s%.*s", separator == NULL ? "https://" : "", (int)length, text);
    for (char *c = mended; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    char *authority = strstr(mended, "://") + strlen("://");
    unsigned port = default_port(mended, (size_t)(authority - mended) - strlen("://"));
    char *colon = authority + host_length(authority);
    if (*colon == ':' && port != 0 && strtoul(colon + 1, NULL, 10) == port)
        *colon = '\0';
}

const char *origin_problem(const char *text)
{
    static char problem[sizeof(EXPECTED) + sizeof(": did you mean ?") + ORIGIN_MAX];
    char mended[ORIGIN_MAX];

    if (strcmp(text, "null") == 0)
        return "null is what every page can pass for, by a sandboxed frame: * says the same openly";
    if (strchr(text, '*') != NULL)
        return "* stands for all origins, and alone: otherwise name each one";
    if (is_origin(text))
        return NULL;
    if (strlen(text) + strlen("https://") < sizeof(mended)) {
        mend(text, mended);
        if (is_origin(mended)) {
            snprintf(problem, sizeof(problem), EXPECTED ": did you mean %s?", mended);
            return problem;
        }
    }
    return EXPECTED;
}
