#include "running/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "unix_socket.h"
#include "xalloc.h"

#define FIRST_SIZE 65536

/* Blocks from then on, for so long at most. */
static int connect_to(const char *path, int timeout_s)
{
    struct timeval timeout = {.tv_sec = timeout_s};
    int fd = unix_socket_connect(path);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    fcntl(fd, F_SETFL, 0);
    return fd;
}

static bool send_line(int fd, const char *commands)
{
    char *line = xasprintf("%s\n", commands);
    size_t length = strlen(line);
    size_t sent = 0;

    while (sent < length) {
        ssize_t count = send(fd, line + sent, length - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR)
            break;
        if (count > 0)
            sent += (size_t)count;
    }
    free(line);
    return sent == length;
}

/* Returns 0 at the end, which is when HAProxy closes the connection; below 0 with errno. */
static ssize_t read_more(int fd, char *bytes, size_t size)
{
    ssize_t count;

    do
        count = recv(fd, bytes, size, 0);
    while (count < 0 && errno == EINTR);
    return count;
}

static char *read_all(int fd)
{
    size_t size = FIRST_SIZE;
    size_t length = 0;
    char *text = xcalloc(size, 1);
    ssize_t count;

    while ((count = read_more(fd, text + length, size - length - 1)) > 0) {
        length += (size_t)count;
        if (size - length > 1)
            continue;
        size *= 2;
        if (size > RUNTIME_ANSWER_MAX) {
            errno = EMSGSIZE;
            count = -1;
            break;
        }
        text = xreallocarray(text, size, 1);
    }
    text[length] = '\0';
    if (count == 0)
        return text;
    free(text);
    return NULL;
}

static const char *describe(int problem)
{
    switch (problem) {
    case ENOENT:
        return "there is no such socket: HAProxy doesn't run, or HAPROXY_SOCKET is another one";
    case ECONNREFUSED:
        return "nobody answers there: HAProxy doesn't run";
    case EACCES:
        return "permission denied: it is for the user who started HAProxy, and for root";
    case EAGAIN:
        return "no answer in time";
    default:
        return strerror(problem);
    }
}

static char *ask(const char *path, const char *commands, bool is_master, char *problem)
{
    char *answer = NULL;
    int fd = connect_to(path, is_master ? RUNTIME_MASTER_TIMEOUT_S : RUNTIME_TIMEOUT_S);
    bool is_sent = fd >= 0 && send_line(fd, commands);

    if (is_sent && is_master)
        shutdown(fd, SHUT_WR);
    if (is_sent)
        answer = read_all(fd);
    if (answer == NULL)
        snprintf(problem, RUNTIME_PROBLEM_MAX, "%s", describe(errno));
    if (fd >= 0)
        close(fd);
    return answer;
}

char *runtime_ask(const char *path, const char *commands, char problem[RUNTIME_PROBLEM_MAX])
{
    return ask(path, commands, false, problem);
}

char *runtime_ask_master(const char *path, const char *commands, char problem[RUNTIME_PROBLEM_MAX])
{
    return ask(path, commands, true, problem);
}
