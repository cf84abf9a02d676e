#ifndef LEASTJOBS_CLI_H
#define LEASTJOBS_CLI_H

#include <event2/event.h>
#include <stddef.h>

/*
 * One line to one of HAProxy's sockets, and the whole answer (HAProxy's management guide, "Unix
 * Socket commands" and "Master CLI"; a connection for each).
 */
struct cli_question;

/* `answer` ends with a NUL that isn't counted; NULL: none came. */
typedef void cli_answered(void *context, const char *answer, size_t length);

#define CLI_TIMEOUT_S 3
/* Of an answer, what is read: servers' lines of a few hundred bytes, for thousands of servers. */
#define CLI_ANSWER_MAX (16U * 1024 * 1024)

/*
 * Asks. The answer comes later, once, unless the question is given up with cli_cancel(), which the
 * caller may do until then. NULL with errno if nobody listens there.
 */
struct cli_question *cli_ask(struct event_base *base, const char *path, const char *line,
                             cli_answered *answered, void *context);
void cli_cancel(struct cli_question *question);

#endif
