#ifndef LEASTJOBS_URL_H
#define LEASTJOBS_URL_H

#include <stdbool.h>

#define URL_TEXT_MAX 2048
/* RFC 1123 section 2.1 and RFC 1035 section 2.3.4. */
#define URL_HOST_MAX 253
#define URL_LABEL_MAX 63

enum url_host { URL_HOST_NAME, URL_HOST_IPV4, URL_HOST_IPV6 };

/* An instance's URL: its origin (RFC 6454) and a path prefix. It owns its texts. */
struct url {
    bool tls; /* https */
    enum url_host host_kind;
    char *host;      /* lower case; an IPv6 address without its brackets */
    unsigned port;   /* the scheme's default if the URL names none */
    char *path;      /* "" or "/a/b", without a trailing slash */
    char *authority; /* host[:port] as the Host field wants it (RFC 9110 section 7.2) */
    char *text;      /* scheme://authority/path: two URLs are the same if these are */
};

/*
 * Understands `text` as an instance's URL, through curl's parser; without a scheme http:// is
 * assumed, a trailing slash is dropped. Only characters that can't mean anything to HAProxy's
 * configuration pass. Returns NULL and fills `url`, which the caller releases with url_free();
 * or returns what is wrong with it, in words that follow `VARIABLE="…": `. The text is static or
 * lives until the next call.
 */
const char *url_parse(struct url *url, const char *text);
void url_free(struct url *url);

/* True for a host name by RFC 1123 section 2.1 (not for an address). */
bool url_is_host_name(const char *text);

/* True for "localhost", which is always the loopback (RFC 6761 section 6.3). */
bool url_is_localhost(const char *host);

/*
 * True for an absolute path of unreserved characters (RFC 3986), "/", ":", "@", "+" and "=",
 * without empty, "." or ".." segments: one that is safe in haproxy.cfg as it stands.
 */
bool url_is_plain_path(const char *text);

/* `text` without what may be a password in it, for messages. The caller frees it. */
char *url_redact(const char *text);

#endif
