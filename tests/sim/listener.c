#include "listener.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

static int open_socket(const struct listener *listener)
{
    const struct sockaddr *address = (const struct sockaddr *)&listener->address;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    /* Accepted sockets inherit TCP_NODELAY: a system call less for each. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, address, listener->address_len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void pause_accepting(struct listener *listener)
{
    const struct timeval pause = {0, LISTENER_ACCEPT_RETRY_MS * 1000};
    fprintf(stderr, "leastjobs-sim: cannot accept at %s: %s\n", listener->url, strerror(errno));
    event_del(&listener->accept_event);
    evtimer_add(&listener->retry_event, &pause);
}

static void retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct listener *listener = arg;
    event_add(&listener->accept_event, NULL);
}

static void accept_some(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct listener *listener = arg;
    for (int i = 0; i < LISTENER_ACCEPTS_MAX; i++) {
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0) {
            listener->accepted(accepted, listener->arg);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(listener);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

bool listener_open(struct listener *listener, struct event_base *base,
                   const struct sockaddr_storage *address, socklen_t address_len,
                   const char *scheme)
{
    listener->base = base;
    listener->address = *address;
    listener->address_len = address_len;
    evtimer_assign(&listener->retry_event, base, retry, listener);
    address_format(listener->url, sizeof listener->url, scheme, address);
    listener->fd = open_socket(listener);
    if (listener->fd < 0 || getsockname(listener->fd, (struct sockaddr *)&listener->address,
                                        &listener->address_len) != 0) {
        return false;
    }
    address_format(listener->url, sizeof listener->url, scheme, &listener->address);
    return listener_start(listener);
}

void listener_stop(struct listener *listener)
{
    if (listener->listening) {
        listener->listening = false;
        event_del(&listener->accept_event);
        evtimer_del(&listener->retry_event);
        close(listener->fd);
        /* Bound but not listening, the socket keeps the port ours (no other process gets it as
         * its free one) while connections are refused. If this fails, listener_start() retries. */
        listener->fd = open_socket(listener);
    }
}

bool listener_start(struct listener *listener)
{
    if (listener->listening || listener->base == NULL) {
        return true;
    }
    if (listener->fd < 0) {
        listener->fd = open_socket(listener);
    }
    if (listener->fd < 0 || listen(listener->fd, LISTENER_BACKLOG) != 0) {
        return false;
    }
    event_assign(&listener->accept_event, listener->base, listener->fd, EV_READ | EV_PERSIST,
                 accept_some, listener);
    listener->listening = event_add(&listener->accept_event, NULL) == 0;
    return listener->listening;
}

void listener_close(struct listener *listener)
{
    listener_stop(listener);
    if (listener->base != NULL && listener->fd >= 0) {
        close(listener->fd);
    }
}
