#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- addresses */

enum { ADDRESS_TEXT_MAX = 64 };

static in_port_t *port_of(struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? &((struct sockaddr_in6 *)address)->sin6_port
                                          : &((struct sockaddr_in *)address)->sin_port;
}

bool address_parse(const char *text, struct sockaddr_storage *address, socklen_t *len)
{
    char copy[ADDRESS_TEXT_MAX];
    int size = sizeof *address;
    const char *colon = strrchr(text, ':');
    size_t host = colon == NULL ? 0 : (size_t)(colon - text);
    memset(address, 0, sizeof *address);
    /* libevent takes a missing port as 0, and no 0 at all: read that one with another port. */
    if (colon == NULL || colon[1] < '0' || colon[1] > '9' || host + 3 > sizeof copy) {
        return false;
    }
    bool any_port = strcmp(colon, ":0") == 0;
    memcpy(copy, text, host);
    memcpy(copy + host, ":1", 3);
    if (evutil_parse_sockaddr_port(any_port ? copy : text, (struct sockaddr *)address, &size) !=
        0) {
        return false;
    }
    if (any_port) {
        *port_of(address) = 0;
    }
    *len = (socklen_t)size;
    return true;
}

unsigned address_port(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
                                          : ntohs(((const struct sockaddr_in *)address)->sin_port);
}

void address_set_port(struct sockaddr_storage *address, unsigned port)
{
    *port_of(address) = htons((in_port_t)port);
}

bool address_add_port(struct sockaddr_storage *address, uint32_t add)
{
    uint64_t port = (uint64_t)address_port(address) + add;
    if (port > UINT16_MAX) {
        return false;
    }
    *port_of(address) = htons((in_port_t)port);
    return true;
}

bool address_add_host(struct sockaddr_storage *address, uint32_t add)
{
    if (address->ss_family != AF_INET) {
        return false;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)address;
    uint64_t host = (uint64_t)ntohl(in->sin_addr.s_addr) + add;
    in->sin_addr.s_addr = htonl((in_addr_t)host);
    return host <= UINT32_MAX;
}

void address_format(char *text, size_t size, const char *scheme,
                    const struct sockaddr_storage *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, host, sizeof host);
        snprintf(text, size, "%s://[%s]:%u", scheme, host, address_port(address));
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, host, sizeof host);
        snprintf(text, size, "%s://%s:%u", scheme, host, address_port(address));
    }
}

/* --- generated bodies */

enum { PATTERN_PERIOD = 251, PATTERN_BYTES = PATTERN_PERIOD * 256, FILL_BYTES = 64 * 1024 };

#define CHUNK_START "10000\r\n" /* FILL_BYTES in hex */
#define CHUNK_END "\r\n"
enum { CHUNK_BYTES = FILL_BYTES + sizeof CHUNK_START - 1 + sizeof CHUNK_END - 1 };

static char pattern_table[PATTERN_BYTES];
static char bracket_table[FILL_BYTES];
static char chunk_table[CHUNK_BYTES]; /* the letters are in its middle */

void filler_setup(void)
{
    for (size_t i = 0; i < sizeof pattern_table; i++) {
        pattern_table[i] = (char)(unsigned char)((i * 31 + 7) % PATTERN_PERIOD);
    }
    memset(bracket_table, '[', sizeof bracket_table);
    memset(chunk_table, 'x', sizeof chunk_table);
    memcpy(chunk_table, CHUNK_START, sizeof CHUNK_START - 1);
    memcpy(chunk_table + sizeof chunk_table - (sizeof CHUNK_END - 1), CHUNK_END,
           sizeof CHUNK_END - 1);
}

struct filler filler_pattern(uint64_t len)
{
    return (struct filler){pattern_table, sizeof pattern_table, PATTERN_PERIOD, 0, len};
}

struct filler filler_letters(uint64_t len)
{
    return (struct filler){chunk_table + sizeof CHUNK_START - 1, FILL_BYTES, 1, 0, len};
}

struct filler filler_brackets(uint64_t len)
{
    return (struct filler){bracket_table, sizeof bracket_table, 1, 0, len};
}

struct filler filler_chunks(void)
{
    return (struct filler){chunk_table, sizeof chunk_table, sizeof chunk_table, 0, UINT64_MAX};
}

static size_t peek(const struct filler *filler, const char **bytes)
{
    if (filler->at == filler->len) {
        return 0;
    }
    size_t offset = (size_t)(filler->at % filler->period);
    size_t len = filler->table_len - offset;
    if (len > filler->len - filler->at) {
        len = (size_t)(filler->len - filler->at);
    }
    *bytes = filler->table + offset;
    return len;
}

/* --- sockets and TLS */

static SSL_CTX *tls_failed(SSL_CTX *context, const char *what, const char *file)
{
    char reason[256];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    fprintf(stderr, "leastjobs-sim: cannot %s %s: %s\n", what, file, reason);
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *wire_load_tls(const char *cert, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        return tls_failed(context, "set up", "TLS");
    }
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1) {
        return tls_failed(context, "use the certificate", cert);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return tls_failed(context, "use the key", key);
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    return context;
}

bool wire_open(struct wire *wire, struct event_base *base, int fd, SSL_CTX *tls,
               const struct wire_events *events, void *arg)
{
    memset(wire, 0, sizeof *wire);
    wire->fd = fd;
    event_assign(&wire->read_event, base, fd, EV_READ | EV_PERSIST, events->readable, arg);
    event_assign(&wire->write_event, base, fd, EV_WRITE, events->writable, arg);
    evtimer_assign(&wire->timer, base, events->timer, arg);
    if (tls == NULL) {
        return true;
    }
    wire->tls = SSL_new(tls);
    if (wire->tls == NULL || SSL_set_fd(wire->tls, fd) != 1) {
        wire_close(wire, true);
        return false;
    }
    SSL_set_accept_state(wire->tls);
    return true;
}

void wire_close(struct wire *wire, bool reset)
{
    event_del(&wire->read_event);
    event_del(&wire->write_event);
    evtimer_del(&wire->timer);
    if (reset) {
        const struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    } else if (wire->tls != NULL) {
        ERR_clear_error();
        SSL_shutdown(wire->tls);
    }
    SSL_free(wire->tls);
    close(wire->fd);
    free(wire->bytes);
}

void wire_shut(struct wire *wire)
{
    if (wire->tls != NULL) {
        ERR_clear_error();
        SSL_shutdown(wire->tls);
    }
    shutdown(wire->fd, SHUT_WR);
}

void wire_set_timer(struct wire *wire, int64_t ms)
{
    const struct timeval time = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(&wire->timer, &time);
}

void wire_stop_timer(struct wire *wire)
{
    evtimer_del(&wire->timer);
}

static ssize_t plain_result(ssize_t n)
{
    if (n >= 0) {
        return n;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? WIRE_AGAIN : WIRE_ERROR;
}

static ssize_t tls_result(SSL *tls, int done, size_t bytes)
{
    if (done == 1) {
        return (ssize_t)bytes;
    }
    switch (SSL_get_error(tls, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return WIRE_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        /* After such an error no shutdown may be attempted. */
        SSL_set_quiet_shutdown(tls, 1);
        return WIRE_ERROR;
    }
}

ssize_t wire_read(struct wire *wire, char *bytes, size_t len)
{
    if (wire->tls == NULL) {
        return plain_result(recv(wire->fd, bytes, len, 0));
    }
    size_t n = 0;
    ERR_clear_error();
    int done = SSL_read_ex(wire->tls, bytes, len, &n);
    return tls_result(wire->tls, done, n);
}

/* --- writing */

enum { FILLS_MAX = 64 };

/* Writes once: the number of bytes that went, also 0. After less than all, the same bytes have to
 * come again (at any address, possibly with more behind them). */
static size_t write_once(struct wire *wire, const char *bytes, size_t len)
{
    ssize_t n;
    if (wire->tls == NULL) {
        n = plain_result(send(wire->fd, bytes, len, MSG_NOSIGNAL));
    } else {
        size_t written = 0;
        ERR_clear_error();
        int done = SSL_write_ex(wire->tls, bytes, len, &written);
        n = tls_result(wire->tls, done, written);
    }
    wire->broken = n < 0 && n != WIRE_AGAIN;
    return n > 0 ? (size_t)n : 0;
}

/* Keeps bytes for later. */
static void keep(struct wire *wire, const char *bytes, size_t len)
{
    if (wire->sent == wire->len) {
        wire->sent = wire->len = 0;
    }
    if (wire->cap - wire->len < len && wire->sent > 0) {
        wire->len -= wire->sent;
        memmove(wire->bytes, wire->bytes + wire->sent, wire->len);
        wire->sent = 0;
    }
    if (wire->cap - wire->len < len) {
        size_t cap = (wire->len + len) * 2;
        char *grown = realloc(wire->bytes, cap);
        if (grown == NULL) {
            wire->broken = true;
            return;
        }
        wire->bytes = grown;
        wire->cap = cap;
    }
    /* Of nothing there may be no bytes. */
    if (len > 0)
        memcpy(wire->bytes + wire->len, bytes, len);
    wire->len += len;
}

void wire_send(struct wire *wire, const char *bytes, size_t len)
{
    bool direct = wire->sent == wire->len && wire->filler.len == 0 && wire->quantum == 0;
    while (direct && len > 0 && !wire->broken) {
        size_t n = write_once(wire, bytes, len);
        if (n == 0) {
            break;
        }
        bytes += n;
        len -= n;
    }
    if (len > 0 && !wire->broken) {
        keep(wire, bytes, len);
    }
}

void wire_send_text(struct wire *wire, const char *text)
{
    wire_send(wire, text, strlen(text));
}

void wire_drip(struct wire *wire, size_t quantum, unsigned tick_ms)
{
    wire->quantum = quantum;
    wire->tick_ms = tick_ms;
}

void wire_fill(struct wire *wire, struct filler filler, const char *tail)
{
    wire->filler = filler;
    wire->tail = tail;
}

/* Up to a number of bytes of the kept ones. False: blocked. */
static bool flush_bytes(struct wire *wire, size_t max)
{
    while (wire->sent < wire->len && max > 0) {
        size_t len = wire->len - wire->sent;
        size_t n = write_once(wire, wire->bytes + wire->sent, len < max ? len : max);
        if (n == 0) {
            return false;
        }
        wire->sent += n;
        max -= n;
    }
    return true;
}

/* Not more than FILLS_MAX tables at a time: a fast reader must not keep the others waiting. */
static bool flush_filler(struct wire *wire)
{
    const char *bytes;
    size_t len;
    for (int turn = 0; turn < FILLS_MAX && (len = peek(&wire->filler, &bytes)) > 0; turn++) {
        size_t n = write_once(wire, bytes, len);
        if (n == 0) {
            return false;
        }
        wire->filler.at += n;
    }
    if (wire->filler.at < wire->filler.len) {
        return false;
    }
    wire->filler = (struct filler){0};
    if (wire->tail != NULL) {
        keep(wire, wire->tail, strlen(wire->tail));
        wire->tail = NULL;
    }
    return true;
}

static enum wire_result flush_drip(struct wire *wire)
{
    if (!wire->dripping && flush_bytes(wire, wire->quantum) && wire->sent < wire->len) {
        wire_set_timer(wire, wire->tick_ms);
        wire->dripping = true;
        return WIRE_BLOCKED;
    }
    if (wire->sent < wire->len) {
        if (!wire->dripping) {
            event_add(&wire->write_event, NULL);
        }
        return WIRE_BLOCKED;
    }
    wire->quantum = 0;
    return WIRE_DONE;
}

enum wire_result wire_flush(struct wire *wire)
{
    enum wire_result result = WIRE_DONE;
    if (wire->quantum > 0 && !wire->broken) {
        result = flush_drip(wire);
    } else if (!wire->broken) {
        if (!flush_bytes(wire, SIZE_MAX) || !flush_filler(wire) || !flush_bytes(wire, SIZE_MAX)) {
            event_add(&wire->write_event, NULL);
            result = WIRE_BLOCKED;
        }
    }
    return wire->broken ? WIRE_BROKEN : result;
}

size_t wire_pending(const struct wire *wire)
{
    return wire->len - wire->sent;
}

void wire_tick(struct wire *wire)
{
    wire->dripping = false;
}
