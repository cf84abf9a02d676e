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
#include "xalloc.h"

#define ANSWER_FIRST_SIZE (16 * 1024)
/* A bound on an answer: what a server's line and the line of names may take, and more. */
#define ANSWER_PER_SERVER 2048
#define ANSWER_FIXED 65536

struct haproxy {
    struct event_base *base;
    char *path;
    struct haproxy_events events;
    struct event *start; /* when the next query begins */
    struct event *readable;
    int fd; /* -1 between queries */
    int64_t started_ms;
    int64_t gap_ms;
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
    int64_t gap_ms = HAPROXY_GAP_FACTOR * (clock_ms() - haproxy->started_ms);

    if (gap_ms < HAPROXY_GAP_MIN_MS)
        gap_ms = HAPROXY_GAP_MIN_MS;
    if (gap_ms > HAPROXY_GAP_MAX_MS || outcome == HAPROXY_ABSENT)
        gap_ms = HAPROXY_GAP_MAX_MS;
    haproxy->gap_ms = gap_ms;
    disconnect(haproxy);
    haproxy->events.result(haproxy->events.context, outcome, haproxy->answer, haproxy->length,
                           problem);
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
static int connect_to(const char *path, const char *command)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, command, strlen(command), MSG_NOSIGNAL) == (ssize_t)strlen(command))
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
    char command[HAPROXY_COMMAND_SIZE];

    (void)unused;
    (void)what;
    haproxy->length = 0;
    haproxy->started_ms = clock_ms();
    haproxy->events.command(haproxy->events.context, command);
    haproxy->fd = connect_to(haproxy->path, command);
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
    struct timeval wait = clock_timeval(haproxy->started_ms + haproxy->gap_ms - clock_ms());
    event_add(haproxy->start, &wait);
}

struct haproxy *haproxy_new(struct event_base *base, const char *path, size_t servers,
                            const struct haproxy_events *events)
{
    struct haproxy *haproxy = xcalloc(1, sizeof(*haproxy));

    haproxy->base = base;
    haproxy->path = xstrdup(path);
    haproxy->events = *events;
    haproxy->fd = -1;
    haproxy->started_ms = clock_ms();
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
