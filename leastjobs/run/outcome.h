#ifndef LEASTJOBS_OUTCOME_H
#define LEASTJOBS_OUTCOME_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * What `leastjobs run` tells of itself to `leastjobs reload`, in the file that it has locked beside
 * HAPROXY_SOCKET: who it is, how often it was told to read its configuration again (SIGHUP), up to
 * which of these it has done so, and how that ended.
 */
enum outcome_result {
    OUTCOME_NONE, /* nothing was read again yet */
    OUTCOME_IN_FORCE,
    OUTCOME_BAD,    /* the configuration is, or is of another HAPROXY_SOCKET */
    OUTCOME_FAILED, /* HAProxy couldn't take it, or it couldn't be written */
};

struct outcome {
    pid_t pid;
    unsigned asked;    /* times */
    unsigned answered; /* so many of these had come when that was begun */
    enum outcome_result result;
};

/* Into the locked file. One that isn't written is missed by nobody but who asks. */
void outcome_write(int fd, const struct outcome *outcome);

/* False, with errno, if it can't be read, or 0 if nobody has it locked. */
bool outcome_read(const char *socket, struct outcome *outcome);

/* The lock's name is HAPROXY_SOCKET's with this behind it. */
#define OUTCOME_LOCK_SUFFIX ".lock"

#endif
