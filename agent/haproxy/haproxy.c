#include "haproxy/haproxy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "unix_socket.h"
#include "xalloc.h"

#define FIRST_SIZE (16 * 1024)
/* A bound on an answer: what a server's lines and the lines of names may take, and more. */
#define ANSWER_PER_SERVER 4096
#define ANSWER_FIXED 65536
/* Far below HAProxy's buffer, which must hold a command. */
#define COMMAND_MAX 256
/* What an interactive connection ends each answer with. */
static const char prompt[] = "\n> ";
#define PROMPT_LENGTH (sizeof(prompt) - 1)

struct bytes {
    char *data;
    size_t length;
    size_t size;
};

struct haproxy {
    struct event_base *base;
    char *path;
    struct haproxy_events events;
    struct event *start; /* when the next query begins */
    struct event *readable;
    struct event *writable;
    int fd; /* -1 between queries */
    int64_t started_ms;
    int64_t gap_ms;
    struct bytes commands;
    size_t sent;
    unsigned unanswered; /* commands without their prompt */
    bool is_told;        /* the result has been given, what is told is still under way */
    bool is_wanted;      /* another query, when this one has ended */
    struct bytes answer;
    size_t scanned; /* the part of it in which prompts have been looked for */
    size_t answer_max;
};

static void disconnect(struct haproxy *haproxy)
{
    if (haproxy->readable != NULL)
        event_free(haproxy->readable);
    if (haproxy->writable != NULL)
        event_free(haproxy->writable);
    haproxy->readable = haproxy->writable = NULL;
    if (haproxy->fd >= 0)
        close(haproxy->fd);
    haproxy->fd = -1;
}

static void set_gap(struct haproxy *haproxy, enum haproxy_outcome outcome)
{
    int64_t gap_ms = HAPROXY_GAP_FACTOR * (clock_ms() - haproxy->started_ms);

    if (gap_ms < HAPROXY_GAP_MIN_MS)
        gap_ms = HAPROXY_GAP_MIN_MS;
    if (gap_ms > HAPROXY_GAP_MAX_MS || outcome == HAPROXY_ABSENT)
        gap_ms = HAPROXY_GAP_MAX_MS;
    haproxy->gap_ms = gap_ms;
}

static void end(struct haproxy *haproxy, enum haproxy_outcome outcome)
{
    bool is_wanted = haproxy->is_wanted;

    set_gap(haproxy, outcome);
    disconnect(haproxy);
    haproxy->is_wanted = false;
    if (is_wanted)
        haproxy_query(haproxy);
}

/* The end of a query without an answer; of what is told after it nobody waits for the answer. */
static void fail(struct haproxy *haproxy, enum haproxy_outcome outcome, const char *problem)
{
    bool was_told = haproxy->is_told;

    end(haproxy, outcome);
    if (!was_told)
        haproxy->events.result(haproxy->events.context, outcome, NULL, 0, problem);
}

static bool make_room(struct bytes *bytes, size_t more, size_t most)
{
    if (bytes->size - bytes->length >= more)
        return true;
    size_t size = bytes->size == 0 ? FIRST_SIZE : bytes->size;
    while (size - bytes->length < more)
        size *= 2;
    if (size > 2 * most)
        return false;
    bytes->data = xreallocarray(bytes->data, size, 1);
    bytes->size = size;
    return true;
}

void haproxy_say(struct haproxy *haproxy, const char *format, ...)
{
    struct bytes *commands = &haproxy->commands;
    va_list arguments;

    make_room(commands, COMMAND_MAX, SIZE_MAX / 2);
    va_start(arguments, format);
    int length = vsnprintf(commands->data + commands->length, COMMAND_MAX - 1, format, arguments);
    va_end(arguments);
    if (length <= 0 || length >= COMMAND_MAX - 1)
        return;
    commands->length += (size_t)length;
    commands->data[commands->length++] = '\n';
    haproxy->unanswered++;
}

static bool flush(struct haproxy *haproxy)
{
    struct bytes *commands = &haproxy->commands;

    while (haproxy->sent < commands->length) {
        ssize_t sent = send(haproxy->fd, commands->data + haproxy->sent,
                            commands->length - haproxy->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            haproxy->sent += (size_t)sent;
        else if (errno == EAGAIN)
            return event_add(haproxy->writable, NULL) == 0;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct haproxy *haproxy = argument;

    (void)fd;
    (void)what;
    if (!flush(haproxy))
        fail(haproxy, HAPROXY_FAILED, strerror(errno));
}

/* Each prompt is the end of an answer; an empty line takes its place. */
static void count_prompts(struct haproxy *haproxy)
{
    struct bytes *answer = &haproxy->answer;

    while (haproxy->unanswered > 0) {
        char *found = memmem(answer->data + haproxy->scanned, answer->length - haproxy->scanned,
                             prompt, PROMPT_LENGTH);
        if (found == NULL)
            break;
        memset(found, '\n', PROMPT_LENGTH);
        haproxy->scanned = (size_t)(found - answer->data) + PROMPT_LENGTH;
        haproxy->unanswered--;
    }
}

/* All is answered. If the result brought more to say, that goes to the same process. */
static void finish(struct haproxy *haproxy)
{
    if (!haproxy->is_told) {
        haproxy->is_told = true;
        haproxy->commands.length = haproxy->sent = 0;
        haproxy->events.result(haproxy->events.context, HAPROXY_ANSWERED, haproxy->answer.data,
                               haproxy->answer.length, NULL);
        haproxy->answer.length = haproxy->scanned = 0;
        if (haproxy->unanswered > 0) {
            if (!flush(haproxy))
                fail(haproxy, HAPROXY_FAILED, strerror(errno));
            return;
        }
    }
    end(haproxy, HAPROXY_ANSWERED);
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct haproxy *haproxy = argument;
    struct bytes *answer = &haproxy->answer;

    if (what & EV_TIMEOUT) {
        fail(haproxy, HAPROXY_FAILED, "no answer in time");
        return;
    }
    for (;;) {
        if (!make_room(answer, 1, haproxy->answer_max)) {
            fail(haproxy, HAPROXY_FAILED, "the answer is too long");
            return;
        }
        ssize_t received =
            recv(fd, answer->data + answer->length, answer->size - answer->length, MSG_DONTWAIT);
        if (received > 0)
            answer->length += (size_t)received;
        else if (received == 0 || (errno != EAGAIN && errno != EINTR)) {
            fail(haproxy, HAPROXY_FAILED,
                 received == 0 ? "it closed the connection" : strerror(errno));
            return;
        } else if (errno == EAGAIN)
            break;
    }
    count_prompts(haproxy);
    if (haproxy->unanswered == 0)
        finish(haproxy);
}

static bool watch(struct haproxy *haproxy)
{
    struct timeval timeout = clock_timeval(HAPROXY_TIMEOUT_MS);

    haproxy->readable =
        event_new(haproxy->base, haproxy->fd, EV_READ | EV_PERSIST, on_readable, haproxy);
    haproxy->writable = event_new(haproxy->base, haproxy->fd, EV_WRITE, on_writable, haproxy);
    return haproxy->readable != NULL && haproxy->writable != NULL &&
           event_add(haproxy->readable, &timeout) == 0;
}

static void begin(evutil_socket_t unused, short what, void *argument)
{
    struct haproxy *haproxy = argument;

    (void)unused;
    (void)what;
    haproxy->answer.length = haproxy->scanned = 0;
    haproxy->commands.length = haproxy->sent = 0;
    haproxy->unanswered = 0;
    haproxy->is_told = false;
    haproxy->started_ms = clock_ms();
    haproxy_say(haproxy, "prompt");
    haproxy->events.ask(haproxy->events.context);
    haproxy->fd = unix_socket_connect(haproxy->path);
    if (haproxy->fd < 0) {
        bool absent = errno == ENOENT || errno == ECONNREFUSED;
        fail(haproxy, absent ? HAPROXY_ABSENT : HAPROXY_FAILED, strerror(errno));
        return;
    }
    if (!watch(haproxy) || !flush(haproxy))
        fail(haproxy, HAPROXY_FAILED, strerror(errno));
}

void haproxy_query(struct haproxy *haproxy)
{
    if (haproxy->fd >= 0) {
        haproxy->is_wanted = haproxy->is_told;
        return;
    }
    if (event_pending(haproxy->start, EV_TIMEOUT, NULL))
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
    haproxy->answer_max = ANSWER_FIXED + servers * ANSWER_PER_SERVER;
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
    free(haproxy->answer.data);
    free(haproxy->commands.data);
    free(haproxy->path);
    free(haproxy);
}
