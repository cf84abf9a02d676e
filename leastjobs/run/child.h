#ifndef LEASTJOBS_CHILD_H
#define LEASTJOBS_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * One process that is started, ends, and may be started again: at most one at a time. Each has a
 * session of its own, so that Ctrl-C is for `leastjobs run` alone. All zero but the name: none
 * runs.
 */
struct child {
    const char *name; /* for messages; "HAProxy" */
    pid_t pid;        /* 0: none runs */
    pid_t group;      /* of the last one; 0: none has run */
};

struct child_options {
    int death_signal; /* what it gets if `leastjobs run` is gone; 0: nothing */
    int out;          /* its standard output and error; -1: ours */
    int err;
    /* It waits a second for a name server's word, no longer: what it lacks then HAProxy looks up as
     * it runs. Without an answer it would wait 40 s for each name, and serve nobody meanwhile. */
    bool is_impatient;
};

/*
 * Starts the program words[0], as execvp(3) finds it, also in the folders where Debian has HAProxy.
 * Returns 0, or an error number: also if the program can't be executed.
 */
int child_start(struct child *child, char *const words[], const struct child_options *options);

void child_signal(const struct child *child, int number);
/* SIGKILL, also to what it has started itself. */
void child_kill_all(const struct child *child);

/* Whether it was this one that has ended, which is none then. */
bool child_take(struct child *child, pid_t pid);

/*
 * Of the one that has ended: kills what it has left (HAProxy's workers, which would end too, but
 * hold their sockets a moment longer than their master). False as long as something is there.
 */
bool child_clear(const struct child *child);

/* "ended with status 1", "ended by signal 9 (Killed)"; of a status of wait(2). */
#define CHILD_END_MAX 80
void child_describe_end(int status, char *text);

#endif
