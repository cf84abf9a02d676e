#include "names/health_question.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>

#include "names/departures.h"
#include "run/addresses.h"
#include "xalloc.h"

struct health_question {
    struct evhttp_connection *connection;
    struct event *end; /* the answer, from the loop */
    char *body;        /* NULL: none */
    size_t length;
    health_answered *answered;
    void *context;
};

static void on_end(evutil_socket_t fd, short what, void *argument)
{
    struct health_question *question = argument;

    (void)fd;
    (void)what;
    question->answered(question->context, question->body, question->length);
    health_question_cancel(question);
}

/* `request` is NULL if no answer came. 503 is one too: no instance is healthy. */
static void on_answer(struct evhttp_request *request, void *argument)
{
    struct health_question *question = argument;

    if (request != NULL && evhttp_request_get_response_code(request) != 0) {
        struct evbuffer *input = evhttp_request_get_input_buffer(request);
        question->length = evbuffer_get_length(input);
        question->body = xcalloc(1, question->length + 1);
        evbuffer_remove(input, question->body, question->length);
    }
    event_active(question->end, EV_TIMEOUT, 0);
}

struct health_question *health_question_ask(struct event_base *base, const struct config *config,
                                            health_answered *answered, void *context)
{
    struct health_question *question = xcalloc(1, sizeof(*question));

    question->answered = answered;
    question->context = context;
    question->end = xalloc_checked(evtimer_new(base, on_end, question));
    question->connection = xalloc_checked(
        evhttp_connection_base_new(base, NULL, address_to_reach(config->agent_bind_address),
                                   (unsigned short)config->status_port));
    evhttp_connection_set_timeout(question->connection, HEALTH_QUESTION_TIMEOUT_S);
    evhttp_connection_set_max_body_size(question->connection, DEPARTURES_BODY_MAX);
    struct evhttp_request *request = xalloc_checked(evhttp_request_new(on_answer, question));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Host", "agent");
    if (evhttp_make_request(question->connection, request, EVHTTP_REQ_GET, "/health") != 0)
        event_active(question->end, EV_TIMEOUT, 0);
    return question;
}

void health_question_cancel(struct health_question *question)
{
    if (question == NULL)
        return;
    evhttp_connection_free(question->connection);
    event_free(question->end);
    free(question->body);
    free(question);
}
