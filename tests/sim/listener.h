/* A listening socket that can stop and listen again at the same address. */
#ifndef SIM_LISTENER_H
#define SIM_LISTENER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/socket.h>

enum {
    LISTENER_URL_MAX = 80,
    LISTENER_BACKLOG = 4096,
    LISTENER_ACCEPTS_MAX = 64,    /* in a row before others have their turn */
    LISTENER_ACCEPT_RETRY_MS = 50 /* when file descriptors have run out */
};

/* Part of its owner's allocation; all zero: not opened. */
struct listener {
    struct event_base *base; /* not owned; NULL: not opened */
    int fd; /* owned; bound even while not listening, so that nobody takes the address */
    bool listening;
    struct event accept_event, retry_event;
    struct sockaddr_storage address;
    socklen_t address_len;
    char url[LISTENER_URL_MAX];
    void (*accepted)(int fd, void *arg); /* takes the socket over */
    void *arg;
};

/* Binds it to the address (port 0: any free one, which replaces it) and listens. False (errno says
 * why); listener_close() is allowed in either case. */
bool listener_open(struct listener *listener, struct event_base *base,
                   const struct sockaddr_storage *address, socklen_t address_len,
                   const char *scheme);

/* Refuses connections. Does nothing if it doesn't listen. */
void listener_stop(struct listener *listener);

/* Listens again. True if it does (also: did), or was never opened; else errno says why not. */
bool listener_start(struct listener *listener);

void listener_close(struct listener *listener);

#endif
