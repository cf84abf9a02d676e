/* Reading and writing on a non-blocking socket, with or without TLS. */
#ifndef SIM_TRANSPORT_H
#define SIM_TRANSPORT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { TRANSPORT_AGAIN = -1, TRANSPORT_ERROR = -2 };

/* The server's context from PEM files; NULL with a message on stderr. Owned by the caller. */
SSL_CTX *transport_load_tls(const char *cert, const char *key);

/* The TLS side of an accepted socket; NULL on failure. Owned by the caller (SSL_free). */
SSL *transport_accept_tls(SSL_CTX *context, int fd);

/* Bytes read, 0 at the end, TRANSPORT_AGAIN or TRANSPORT_ERROR. tls may be NULL. */
ssize_t transport_read(SSL *tls, int fd, char *bytes, size_t len);

/* Bytes written, TRANSPORT_AGAIN or TRANSPORT_ERROR. After TRANSPORT_AGAIN the same bytes have to
 * come again (at any address, possibly with more behind them). */
ssize_t transport_write(SSL *tls, int fd, const char *bytes, size_t len);

/* Ends the sending direction. */
void transport_shut(SSL *tls, int fd);

/* Closes the socket and frees tls; reset: with a TCP reset. */
void transport_close(SSL *tls, int fd, bool reset);

#endif
