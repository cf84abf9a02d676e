#include "jobs/search.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "jobs/relay.h"
#include "jobs/reply.h"
#include "jobs/verdict.h"
#include "xalloc.h"

struct search {
    const struct jobs_context *context;
    struct evhttp_request *request;
    struct job_path path;
    char *target;
    char *question_target; /* what every instance is asked for */
    struct curl_slist *header;
    bool is_direct;    /* the client's request is the question itself */
    struct ask **asks; /* one for each instance, in the farm's order; NULL: none is under way */
    size_t count;
    size_t *order; /* in which they are asked */
    size_t next;   /* who is asked next, by its place there */
    size_t running;
    struct ask *found; /* of the instance that has the job; gone once that is settled */
    bool is_settled;
    struct ask *fetch; /* the client's request, under way to it */
    struct relay relay;
    struct verdict verdict;
    struct event *step;     /* what libcurl's callbacks can't do */
    struct event *deadline; /* for all that is asked */
    void (*over)(void *owner);
    void *owner;
};

/* Whether such an answer to GET means that the job is there. */
static bool is_found(long status)
{
    return (status >= 200 && status < 300) || status == 304 || status == 412 || status == 416;
}

static void drop(struct search *search, struct ask *ask)
{
    search->asks[ask_index(ask)] = NULL;
    search->running--;
    ask_free(ask);
}

static void drop_all_but(struct search *search, const struct ask *kept)
{
    for (size_t i = 0; i < search->count; i++) {
        if (search->asks[i] != NULL && search->asks[i] != kept)
            drop(search, search->asks[i]);
    }
}

/*
 * The search's last act: what calls it returns at once. The search is over first, since the end of
 * an answer may be that of its connection. Takes `text`.
 */
static void answer(struct search *search, int status, char *text)
{
    struct evhttp_request *request = search->request;

    search->over(search->owner);
    reply_json(request, status, text);
}

static void give_verdict(struct search *search)
{
    answer(search, verdict_status(&search->verdict), verdict_body(&search->verdict));
}

/* The same for an answer of an instance. */
static void end_relay(struct search *search, const char *problem)
{
    struct evhttp_request *request = search->request;

    search->over(search->owner);
    if (problem == NULL)
        relay_end(request);
    else
        relay_break(request);
}

static size_t on_fetched(void *context, struct ask *ask, const char *bytes, size_t length)
{
    struct search *search = context;

    if (!search->relay.is_begun)
        relay_begin(&search->relay, search->request, ask);
    return relay_data(&search->relay, bytes, length);
}

static void on_fetch_done(void *context, struct ask *ask, const char *problem)
{
    struct search *search = context;

    if (search->relay.is_begun || problem == NULL) {
        if (!search->relay.is_begun)
            relay_begin(&search->relay, search->request, ask);
        end_relay(search, problem);
        return;
    }
    char *text =
        xasprintf("{\"detail\":\"" INSTANCE_PREFIX "%u, which has this job, can not be reached\"}",
                  ask_number(ask));
    answer(search, HTTP_SERVUNAVAIL, text);
}

/* The client's own request, to the instance that has the job. */
static void fetch(struct search *search, size_t index)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(search->request);
    struct question question = {.method = evhttp_request_get_command(search->request),
                                .target = search->target,
                                .header = search->header,
                                .body = evbuffer_pullup(body, -1),
                                .body_length = evbuffer_get_length(body)};
    struct ask_events events = {.data = on_fetched, .done = on_fetch_done, .context = search};

    search->fetch = ask_new(search->context->asks, index, &question, &events);
}

/* The first that has the job: HAProxy is told, nobody else is asked any more. */
static void settle(struct search *search)
{
    if (search->is_settled)
        return;
    search->is_settled = true;
    event_del(search->step);
    evtimer_del(search->deadline);
    drop_all_but(search, search->found);
    checks_tell_owner(search->context->checks, search->path.id, search->path.id_length,
                      ask_number(search->found));
    if (search->is_direct)
        return;
    size_t index = ask_index(search->found);
    drop(search, search->found);
    fetch(search, index);
}

static void on_step(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    settle(argument);
}

static void take(struct search *search, struct ask *ask)
{
    search->found = ask;
    event_active(search->step, EV_TIMEOUT, 1);
    if (search->is_direct)
        relay_begin(&search->relay, search->request, ask);
}

static size_t on_data(void *context, struct ask *ask, const char *bytes, size_t length)
{
    struct search *search = context;

    if (search->found == NULL && is_found(ask_status(ask)))
        take(search, ask);
    if (search->found != ask || !search->is_direct)
        return 0;
    return relay_data(&search->relay, bytes, length);
}

static void judge(struct search *search, struct ask *ask, const char *problem)
{
    if (problem == NULL)
        verdict_add_status(&search->verdict, ask_number(ask), ask_status(ask));
    else
        verdict_add_failure(&search->verdict, ask_number(ask), problem);
}

static void on_done(void *context, struct ask *ask, const char *problem)
{
    struct search *search = context;

    if (problem == NULL && search->found == NULL && is_found(ask_status(ask)))
        take(search, ask);
    if (search->found == NULL) {
        judge(search, ask, problem);
        drop(search, ask);
        search_go_on(search);
    } else if (search->found == ask) {
        /* A short answer is over before the step. */
        settle(search);
        if (search->is_direct)
            end_relay(search, problem);
    }
}

static void ask_next(struct search *search)
{
    struct question question = {
        .method = EVHTTP_REQ_GET, .target = search->question_target, .header = search->header};
    struct ask_events events = {.data = on_data, .done = on_done, .context = search};

    size_t index = search->order[search->next++];
    search->asks[index] = ask_new(search->context->asks, index, &question, &events);
    search->running++;
}

void search_go_on(struct search *search)
{
    if (search->found != NULL)
        return;
    while (search->next < search->count && asks_have_room(search->context->asks))
        ask_next(search);
    if (search->next == search->count && search->running == 0)
        give_verdict(search);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct search *search = argument;

    (void)fd;
    (void)what;
    /* Its answer has begun in this very turn of the loop. */
    if (search->found != NULL)
        return;
    for (size_t i = 0; i < search->count; i++) {
        size_t index = search->order[i];
        if (search->asks[index] != NULL || i >= search->next)
            verdict_add_failure(&search->verdict, search->context->farm->instances[index].number,
                                "no answer in time");
    }
    drop_all_but(search, NULL);
    give_verdict(search);
}

/* Who is dead keeps a place among the asks for long: the others first. */
static void set_order(struct search *search)
{
    const struct farm *farm = search->context->farm;
    size_t used = 0;

    search->order = xcalloc(farm->count, sizeof(*search->order));
    for (size_t i = 0; i < farm->count; i++) {
        if (farm->instances[i].healthy)
            search->order[used++] = i;
    }
    for (size_t i = 0; i < farm->count; i++) {
        if (!farm->instances[i].healthy)
            search->order[used++] = i;
    }
}

static void begin(struct search *search)
{
    struct timeval limit = clock_timeval(search->context->config->check_timeout_ms);

    search->count = search->context->farm->count;
    search->asks = xcalloc(search->count, sizeof(*search->asks));
    set_order(search);
    search->next = 0;
    search->verdict = (struct verdict){0};
    evtimer_add(search->deadline, &limit);
    search_go_on(search);
}

struct search *search_new(const struct jobs_context *context, struct evhttp_request *request,
                          const struct job_path *path, void (*over)(void *owner), void *owner)
{
    struct search *search = xcalloc(1, sizeof(*search));

    *search = (struct search){
        .context = context, .request = request, .path = *path, .over = over, .owner = owner};
    search->target = xstrdup(evhttp_request_get_uri(request));
    search->is_direct =
        evhttp_request_get_command(request) == EVHTTP_REQ_GET && path->id_end == path->path_length;
    search->question_target =
        search->is_direct ? xstrdup(search->target) : xstrndup(search->target, path->id_end);
    search->header = ask_copy_header(request);
    search->step = xalloc_checked(event_new(context->base, -1, 0, on_step, search));
    search->deadline = xalloc_checked(evtimer_new(context->base, on_deadline, search));
    begin(search);
    return search;
}

void search_restart(struct search *search)
{
    if (search->found != NULL)
        return;
    drop_all_but(search, NULL);
    free(search->asks);
    free(search->order);
    begin(search);
}

void search_free(struct search *search)
{
    drop_all_but(search, NULL);
    if (search->fetch != NULL)
        ask_free(search->fetch);
    event_free(search->step);
    event_free(search->deadline);
    curl_slist_free_all(search->header);
    free(search->asks);
    free(search->order);
    free(search->target);
    free(search->question_target);
    free(search);
}
