#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xalloc.h"

#define PORT_HTTP 80
#define PORT_HTTPS 443
#define PORT_MAX 65535

static bool is_label(const char *text, size_t length)
{
    if (length == 0 || length > URL_LABEL_MAX || text[0] == '-' || text[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '-')
            return false;
    }
    return true;
}

bool url_is_host_name(const char *text)
{
    const char *label = text;
    size_t length = 0;

    if (strlen(text) > URL_HOST_MAX)
        return false;
    for (;; label += length + 1) {
        length = strcspn(label, ".");
        if (!is_label(label, length))
            return false;
        if (label[length] == '\0')
            break;
    }
    /* A last label of digits only is a mistyped address, never a name (RFC 1123). */
    return strspn(label, "0123456789") != length;
}

bool url_is_localhost(const char *host)
{
    return strcasecmp(host, "localhost") == 0;
}

static bool is_plain_path_character(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("-._~/:@+=", c) != NULL);
}

bool url_is_plain_path(const char *text)
{
    if (text[0] != '/')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if (!is_plain_path_character(*at))
            return false;
        if (*at != '/')
            continue;
        size_t length = strcspn(at + 1, "/");
        if ((length == 0 && at[1] != '\0') || (length == 1 && at[1] == '.') ||
            (length == 2 && at[1] == '.' && at[2] == '.'))
            return false;
    }
    return true;
}

/* What must be refused before a parser sees it, so that the message can say which character. */
static const char *check_characters(const char *text)
{
    static char problem[64];

    if (strlen(text) > URL_TEXT_MAX)
        return "longer than 2048 characters";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            return "has a control character";
        if (c >= 0x80)
            return "has a character outside ASCII: write an international name in its xn-- form";
        if (c == ' ')
            return "has a space";
        if (c == '?')
            return "has a query (?…): give only scheme, host, port and path";
        if (c == '#')
            return "has a fragment (#…): give only scheme, host, port and path";
        if (!is_plain_path_character(*text) && c != '[' && c != ']') {
            snprintf(problem, sizeof(problem), "has the character %c, which isn't allowed", c);
            return problem;
        }
    }
    return NULL;
}

/* Where the authority begins in a URL that has a scheme. */
static const char *authority_of(const char *whole)
{
    return strstr(whole, "://") + 3;
}

static const char *check_scheme(struct url *url, const char *text)
{
    const char *separator = strstr(text, "://");
    size_t length = separator == NULL ? 0 : (size_t)(separator - text);

    if (separator == NULL || (length == 4 && strncasecmp(text, "http", 4) == 0))
        url->tls = false;
    else if (length == 5 && strncasecmp(text, "https", 5) == 0)
        url->tls = true;
    else
        return "the scheme must be http:// or https://";
    /* curl reads http:///a as http://a. */
    if (text[0] == '/' || (separator != NULL && separator[3] == '/'))
        return "has no host";
    if (separator == NULL && strstr(text, ":/") != NULL)
        return "isn't a URL (example: http://10.0.0.5:8000)";
    return NULL;
}

static char *get_part(CURLU *parser, CURLUPart part)
{
    char *value = NULL;

    if (curl_url_get(parser, part, &value, 0) != CURLUE_OK)
        return NULL;
    char *copy = xstrdup(value);
    curl_free(value);
    return copy;
}

static bool is_address(struct url *url)
{
    unsigned char address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, url->host, address) == 1)
        url->host_kind = URL_HOST_IPV4;
    else if (inet_pton(AF_INET6, url->host, address) == 1)
        url->host_kind = URL_HOST_IPV6;
    else
        return false;
    return true;
}

static const char *take_host(struct url *url, CURLU *parser, const char *text)
{
    url->host = get_part(parser, CURLUPART_HOST);
    if (url->host == NULL || url->host[0] == '\0')
        return "has no host";
    for (char *c = url->host; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t length = strlen(url->host);
    if (url->host[0] == '[' && url->host[length - 1] == ']') {
        memmove(url->host, url->host + 1, length - 2);
        url->host[length - 2] = '\0';
    }
    if (is_address(url)) {
        /* curl understands 127.1 and 0x7f.1 too; HAProxy doesn't. */
        const char *authority = authority_of(text);
        size_t host_length = strlen(url->host);
        if (url->host_kind == URL_HOST_IPV4 && (strcspn(authority, ":/") != host_length ||
                                                strncmp(authority, url->host, host_length) != 0))
            return "the IPv4 address must be four decimal numbers";
        return NULL;
    }
    url->host_kind = URL_HOST_NAME;
    if (!url_is_host_name(url->host))
        return "the host isn't an address or a host name by RFC 1123 (letters, digits and "
               "hyphens, in labels of 1 to 63 separated by dots)";
    return NULL;
}

static const char *take_port(struct url *url, CURLU *parser, const char *text)
{
    const char *authority = authority_of(text);
    size_t length = strcspn(authority, "/");
    char *digits = get_part(parser, CURLUPART_PORT);
    long port = digits == NULL ? (url->tls ? PORT_HTTPS : PORT_HTTP) : strtol(digits, NULL, 10);

    free(digits);
    if (port < 1 || port > PORT_MAX || (length > 0 && authority[length - 1] == ':'))
        return "the port must be from 1 to 65535";
    url->port = (unsigned)port;
    return NULL;
}

/* Of the text itself: curl resolves dot segments, and what it shortened wasn't what was meant. */
static const char *take_path(struct url *url, const char *text)
{
    const char *authority = authority_of(text);
    size_t length;

    url->path = xstrdup(authority + strcspn(authority, "/"));
    length = strlen(url->path);
    while (length > 0 && url->path[length - 1] == '/')
        url->path[--length] = '\0';
    if (length > 0 && !url_is_plain_path(url->path))
        return "the path must not have empty, \".\" or \"..\" segments";
    return NULL;
}

static const char *curl_problem(CURLUcode code)
{
    switch (code) {
    case CURLUE_BAD_PORT_NUMBER:
        return "the port must be from 1 to 65535";
    case CURLUE_NO_HOST:
        return "has no host";
    case CURLUE_BAD_IPV6:
        return "the IPv6 address isn't one";
    default:
        return "isn't a URL (example: http://10.0.0.5:8000)";
    }
}

static void compose_texts(struct url *url)
{
    const char *open = url->host_kind == URL_HOST_IPV6 ? "[" : "";
    const char *close = url->host_kind == URL_HOST_IPV6 ? "]" : "";
    unsigned default_port = url->tls ? PORT_HTTPS : PORT_HTTP;

    if (url->port == default_port)
        url->authority = xasprintf("%s%s%s", open, url->host, close);
    else
        url->authority = xasprintf("%s%s%s:%u", open, url->host, close, url->port);
    url->text = xasprintf("%s://%s%s", url->tls ? "https" : "http", url->authority, url->path);
}

static const char *take_parts(struct url *url, CURLU *parser, const char *text)
{
    CURLUcode code = curl_url_set(parser, CURLUPART_URL, text, 0);

    if (code != CURLUE_OK)
        return curl_problem(code);
    char *user = get_part(parser, CURLUPART_USER);
    char *password = get_part(parser, CURLUPART_PASSWORD);
    bool has_credentials = user != NULL || password != NULL;
    free(user);
    free(password);
    if (has_credentials)
        return "has a user name or password: instances are reached without";
    const char *problem = take_host(url, parser, text);
    if (problem == NULL)
        problem = take_port(url, parser, text);
    if (problem == NULL)
        problem = take_path(url, text);
    return problem;
}

const char *url_parse(struct url *url, const char *text)
{
    *url = (struct url){0};
    const char *problem = check_characters(text);
    if (problem == NULL)
        problem = check_scheme(url, text);
    if (problem != NULL)
        return problem;

    CURLU *parser = curl_url();
    char *whole = xasprintf("%s%s", strstr(text, "://") == NULL ? "http://" : "", text);
    if (parser == NULL)
        problem = "can't be parsed: out of memory";
    else
        problem = take_parts(url, parser, whole);
    free(whole);
    curl_url_cleanup(parser);
    if (problem != NULL)
        url_free(url);
    else
        compose_texts(url);
    return problem;
}

void url_free(struct url *url)
{
    free(url->host);
    free(url->path);
    free(url->authority);
    free(url->text);
    *url = (struct url){0};
}

char *url_redact(const char *text)
{
    const char *separator = strstr(text, "://");
    bool has_scheme = separator != NULL && strcspn(text, ":/@") == (size_t)(separator - text);
    const char *start = has_scheme ? separator + 3 : text;
    const char *at = strrchr(start, '@');

    if (at == NULL)
        return xstrdup(text);
    return xasprintf("%.*s***%s", (int)(start - text), text, at);
}
