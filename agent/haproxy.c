#include "haproxy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "names.h"
#include "xalloc.h"

/* Servers only (4), all of them (-1). */
#define COMMAND "show stat " BACKEND_NAME " 4 -1\n"
#define ANSWER_FIRST_SIZE (16 * 1024)
/* A bound on an answer: what a server's line and the line of names may take, and more. */
#define ANSWER_PER_SERVER 2048
#define ANSWER_FIXED 65536

struct haproxy {
    struct event_base *base;
    char *path;
    haproxy_result result;
    void *context;
    struct event *start; /* when the next query begins */
    struct event *readable;
    int fd; /* -1 between queries */
    int64_t started_ms;
    char *answer;
    size_t length;
    size_t size;
    size_t size_max;
};

static void disconnect(struct haproxy *haproxy)
{
    if (haproxy->readable != NULL)
        event_free(haproxy->readable);
    haproxy->readable = NULL;
    if (haproxy->fd >= 0)
        close(haproxy->fd);
    haproxy->fd = -1;
}

/* The one end of every query. */
static void finish(struct haproxy *haproxy, enum haproxy_outcome outcome, const char *problem)
{
    disconnect(haproxy);
    haproxy->result(haproxy->context, outcome, haproxy->answer, haproxy->length, problem);
}

static bool make_room(struct haproxy *haproxy)
{
    if (haproxy->length < haproxy->size)
        return true;
    if (haproxy->size >= haproxy->size_max)
        return false;
    haproxy->size = haproxy->size == 0 ? ANSWER_FIRST_SIZE : haproxy->size * 2;
    haproxy->answer = xreallocarray(haproxy->answer, haproxy->size, 1);
    return true;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct haproxy *haproxy = argument;

    if (what & EV_TIMEOUT) {
        finish(haproxy, HAPROXY_FAILED, "no answer in time");
        return;
    }
    for (;;) {
        if (!make_room(haproxy)) {
            finish(haproxy, HAPROXY_FAILED, "the answer is too long");
            return;
        }
        ssize_t received = recv(fd, haproxy->answer + haproxy->length,
                                haproxy->size - haproxy->length, MSG_DONTWAIT);
        if (received > 0) {
            haproxy->length += (size_t)received;
        } else if (received == 0) {
            finish(haproxy, HAPROXY_ANSWERED, NULL);
            return;
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            finish(haproxy, HAPROXY_FAILED, strerror(errno));
            return;
        }
    }
}

/* Unix sockets connect at once or not at all; a full backlog is EAGAIN. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, COMMAND, strlen(COMMAND), MSG_NOSIGNAL) == (ssize_t)strlen(COMMAND))
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

static void begin(evutil_socket_t unused, short what, void *argument)
{
    struct haproxy *haproxy = argument;
    struct timeval timeout = clock_timeval(HAPROXY_TIMEOUT_MS);

    (void)unused;
    (void)what;
    haproxy->length = 0;
    haproxy->started_ms = clock_ms();
    haproxy->fd = connect_to(haproxy->path);
    if (haproxy->fd < 0) {
        bool absent = errno == ENOENT || errno == ECONNREFUSED;
        finish(haproxy, absent ? HAPROXY_ABSENT : HAPROXY_FAILED, strerror(errno));
        return;
    }
    haproxy->readable =
        event_new(haproxy->base, haproxy->fd, EV_READ | EV_PERSIST, on_readable, haproxy);
    if (haproxy->readable == NULL || event_add(haproxy->readable, &timeout) != 0)
        finish(haproxy, HAPROXY_FAILED, "out of memory");
}

void haproxy_query(struct haproxy *haproxy)
{
    if (haproxy->fd >= 0 || event_pending(haproxy->start, EV_TIMEOUT, NULL))
        return;
    struct timeval wait = clock_timeval(haproxy->started_ms + HAPROXY_GAP_MS - clock_ms());
    event_add(haproxy->start, &wait);
}

struct haproxy *haproxy_new(struct event_base *base, const char *path, size_t servers,
                            haproxy_result result, void *context)
{
    struct haproxy *haproxy = xcalloc(1, sizeof(*haproxy));

    haproxy->base = base;
    haproxy->path = xstrdup(path);
    haproxy->result = result;
    haproxy->context = context;
    haproxy->fd = -1;
    haproxy->started_ms = clock_ms() - HAPROXY_GAP_MS;
    haproxy->size_max = ANSWER_FIXED + servers * ANSWER_PER_SERVER;
    haproxy->start = evtimer_new(base, begin, haproxy);
    if (haproxy->start == NULL) {
        haproxy_free(haproxy);
        return NULL;
    }
    return haproxy;
}

void haproxy_free(struct haproxy *haproxy)
{
    if (haproxy == NULL)
        return;
    disconnect(haproxy);
    if (haproxy->start != NULL)
        event_free(haproxy->start);
    free(haproxy->answer);
    free(haproxy->path);
    free(haproxy);
}
