#ifndef LEASTJOBS_UNIX_SOCKET_H
#define LEASTJOBS_UNIX_SOCKET_H

/*
 * A stream connection to a Unix socket (unix(7)), which is there at once or not at all: a full
 * backlog is EAGAIN. It doesn't block and is closed on exec; the caller's to close(2). -1 with
 * errno.
 */
int unix_socket_connect(const char *path);

#endif
