#include "run/cli.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unix_socket.h"
#include "xalloc.h"

struct cli_question {
    struct bufferevent *connection;
    cli_answered *answered;
    void *context;
};

static void end(struct cli_question *question, bool is_whole)
{
    struct evbuffer *input = bufferevent_get_input(question->connection);
    size_t length = evbuffer_get_length(input);
    char *answer = NULL;

    if (is_whole) {
        answer = xcalloc(length + 1, 1);
        evbuffer_remove(input, answer, length);
    }
    cli_answered *answered = question->answered;
    void *context = question->context;
    cli_cancel(question);
    answered(context, answer, length);
    free(answer);
}

static void on_event(struct bufferevent *connection, short what, void *argument)
{
    (void)connection;
    end(argument, (what & BEV_EVENT_EOF) != 0);
}

static void on_read(struct bufferevent *connection, void *argument)
{
    if (evbuffer_get_length(bufferevent_get_input(connection)) > CLI_ANSWER_MAX)
        end(argument, false);
}

/* The master waits for more until it hears that nothing comes. */
static void on_written(struct bufferevent *connection, void *argument)
{
    (void)argument;
    shutdown(bufferevent_getfd(connection), SHUT_WR);
}

struct cli_question *cli_ask(struct event_base *base, const char *path, const char *line,
                             cli_answered *answered, void *context)
{
    static const struct timeval patience = {.tv_sec = CLI_TIMEOUT_S};
    int fd = unix_socket_connect(path);

    if (fd < 0)
        return NULL;
    struct cli_question *question = xcalloc(1, sizeof(*question));
    question->answered = answered;
    question->context = context;
    question->connection = xalloc_checked(bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE));
    bufferevent_setcb(question->connection, on_read, on_written, on_event, question);
    bufferevent_set_timeouts(question->connection, &patience, &patience);
    bufferevent_write(question->connection, line, strlen(line));
    bufferevent_write(question->connection, "\n", 1);
    bufferevent_enable(question->connection, EV_READ | EV_WRITE);
    return question;
}

void cli_cancel(struct cli_question *question)
{
    if (question == NULL)
        return;
    bufferevent_free(question->connection);
    free(question);
}
