/* The wire: socket addresses, and one connected socket with or without TLS. What is written goes
 * out at once if possible and is copied only if not: bytes, then a body that is generated as it is
 * sent, then a static tail; at full speed or dripping. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Reads ADDR:PORT or [ADDR]:PORT, numbers only. False if it isn't one. */
bool address_parse(const char *text, struct sockaddr_storage *address, socklen_t *len);

unsigned address_port(const struct sockaddr_storage *address);

void address_set_port(struct sockaddr_storage *address, unsigned port);

/* Adds to the port. False if that isn't a port. */
bool address_add_port(struct sockaddr_storage *address, uint32_t add);

/* Adds to an IPv4 address, carrying into the next octet. False for others or beyond the end. */
bool address_add_host(struct sockaddr_storage *address, uint32_t add);

/* Writes scheme://ADDR:PORT. */
void address_format(char *text, size_t size, const char *scheme,
                    const struct sockaddr_storage *address);

/* A body of any size. All come from fixed tables, so that nothing is copied: a position in a table
 * that repeats itself. */
struct filler {
    const char *table;
    size_t table_len; /* a multiple of the period */
    size_t period;
    uint64_t at, len; /* bytes sent, and in all */
};

/* Fills the tables; once, before anything else. */
void filler_setup(void);

struct filler filler_pattern(uint64_t len);  /* byte i is (i * 31 + 7) % 251 */
struct filler filler_letters(uint64_t len);  /* the letter x */
struct filler filler_brackets(uint64_t len); /* opening ones */
struct filler filler_chunks(void);           /* HTTP chunks full of the letter x, without end */

enum { WIRE_AGAIN = -1, WIRE_ERROR = -2 };

/* The server's context from PEM files; NULL with a message on stderr. Owned by the caller. */
SSL_CTX *wire_load_tls(const char *cert, const char *key);

/* Part of its owner's allocation. */
struct wire {
    SSL *tls; /* owned; NULL: plain */
    int fd;   /* owned */
    /* The owner's; the wire adds write_event while it can't write, timer for the next drip. */
    struct event read_event, write_event, timer;
    char *bytes; /* owned; to be written */
    size_t len, cap, sent;
    struct filler filler; /* len 0: none */
    const char *tail;     /* static text, sent behind the filler; or NULL */
    size_t quantum;       /* bytes per tick; 0: no dripping */
    unsigned tick_ms;
    bool dripping; /* waiting for the next tick */
    bool broken;   /* writing failed */
};

/* What the owner does when something happens on the wire. */
struct wire_events {
    event_callback_fn readable, writable, timer;
};

/* Takes over an accepted, non-blocking socket; nothing is watched yet. tls NULL: plain. False (and
 * the socket closed) when memory is short. Ended by wire_close(). */
bool wire_open(struct wire *wire, struct event_base *base, int fd, SSL_CTX *tls,
               const struct wire_events *events, void *arg);

/* Closes the socket and frees what was to be written; reset: with a TCP reset. */
void wire_close(struct wire *wire, bool reset);

/* Bytes read, 0 at the end, WIRE_AGAIN or WIRE_ERROR. */
ssize_t wire_read(struct wire *wire, char *bytes, size_t len);

/* Ends the sending direction. */
void wire_shut(struct wire *wire);

/* Calls the timer's callback after ms. */
void wire_set_timer(struct wire *wire, int64_t ms);
void wire_stop_timer(struct wire *wire);

/* Sends bytes as soon as everything before them is out. Errors show in wire_flush(). */
void wire_send(struct wire *wire, const char *bytes, size_t len);
void wire_send_text(struct wire *wire, const char *text);

/* From now on `quantum` bytes every tick_ms, until everything is sent. */
void wire_drip(struct wire *wire, size_t quantum, unsigned tick_ms);

/* Adds a generated body (after the bytes) and a static tail. */
void wire_fill(struct wire *wire, struct filler filler, const char *tail);

enum wire_result { WIRE_DONE, WIRE_BLOCKED, WIRE_BROKEN };

/* Writes what can be written; if something is left, sees to it that the write event (or the timer)
 * comes. */
enum wire_result wire_flush(struct wire *wire);

/* Bytes that wait to be written, without a generated body. */
size_t wire_pending(const struct wire *wire);

/* The timer has come: the next drip may go. */
void wire_tick(struct wire *wire);

#endif
