#include "transport.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *tls_failed(SSL_CTX *context, const char *what, const char *file)
{
    char reason[256];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    fprintf(stderr, "leastjobs-sim: cannot %s %s: %s\n", what, file, reason);
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *transport_load_tls(const char *cert, const char *key)
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

SSL *transport_accept_tls(SSL_CTX *context, int fd)
{
    SSL *tls = SSL_new(context);
    if (tls != NULL && SSL_set_fd(tls, fd) != 1) {
        SSL_free(tls);
        return NULL;
    }
    if (tls != NULL) {
        SSL_set_accept_state(tls);
    }
    return tls;
}

static ssize_t tls_result(SSL *tls, int done, size_t bytes)
{
    if (done == 1) {
        return (ssize_t)bytes;
    }
    switch (SSL_get_error(tls, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TRANSPORT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        /* After such an error no shutdown may be attempted. */
        SSL_set_quiet_shutdown(tls, 1);
        return TRANSPORT_ERROR;
    }
}

static ssize_t plain_result(ssize_t n)
{
    if (n >= 0) {
        return n;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? TRANSPORT_AGAIN
                                                                     : TRANSPORT_ERROR;
}

ssize_t transport_read(SSL *tls, int fd, char *bytes, size_t len)
{
    if (tls == NULL) {
        return plain_result(recv(fd, bytes, len, 0));
    }
    size_t n = 0;
    ERR_clear_error();
    int done = SSL_read_ex(tls, bytes, len, &n);
    return tls_result(tls, done, n);
}

ssize_t transport_write(SSL *tls, int fd, const char *bytes, size_t len)
{
    if (tls == NULL) {
        return plain_result(send(fd, bytes, len, MSG_NOSIGNAL));
    }
    size_t n = 0;
    ERR_clear_error();
    int done = SSL_write_ex(tls, bytes, len, &n);
    return tls_result(tls, done, n);
}

void transport_shut(SSL *tls, int fd)
{
    if (tls != NULL) {
        ERR_clear_error();
        SSL_shutdown(tls);
    }
    shutdown(fd, SHUT_WR);
}

void transport_close(SSL *tls, int fd, bool reset)
{
    if (reset) {
        const struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    } else if (tls != NULL) {
        ERR_clear_error();
        SSL_shutdown(tls);
    }
    SSL_free(tls);
    close(fd);
}
