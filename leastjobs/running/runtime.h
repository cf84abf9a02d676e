#ifndef LEASTJOBS_RUNTIME_H
#define LEASTJOBS_RUNTIME_H

#include <stddef.h>

/*
 * HAProxy's runtime sockets (management guide, section 9.3), for a program that has nothing else to
 * wait for: HAPROXY_SOCKET, and the operator's, whose name has OPERATOR_SUFFIX (names.h) behind it.
 */

/* Of an answer: more than `show stat` has of INSTANCES_MAX servers. */
#define RUNTIME_ANSWER_MAX (64U << 20)
#define RUNTIME_TIMEOUT_S 10
/* A question that comes while it is being replaced is lost: it is to be asked again. */
#define RUNTIME_MASTER_TIMEOUT_S 2
#define RUNTIME_PROBLEM_MAX 256

/*
 * One line of commands with semicolons between them; their answers come one behind the other, each
 * ended by an empty line, for the caller to free(). NULL with what was wrong in `problem`: words
 * that follow the socket's path and a colon.
 */
char *runtime_ask(const char *path, const char *commands, char problem[RUNTIME_PROBLEM_MAX]);

/* The same of HAProxy's master ("Master CLI"), which waits for more until it hears that none comes.
 */
char *runtime_ask_master(const char *path, const char *commands, char problem[RUNTIME_PROBLEM_MAX]);

#endif
