#include "jobs/listing.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "jobs/job_list.h"
#include "jobs/reply.h"
#include "jobs/verdict.h"
#include "xalloc.h"

#define FIRST_SIZE 4096

/* Sent lists are evbuffers', which outlive all else: so what all have is this file's to count. */
static size_t bytes_held;

struct bytes {
    size_t size; /* of them */
    char text[];
};

/* One instance's part. */
struct part {
    struct ask *ask;
    struct bytes *bytes; /* NULL: none */
    size_t length;
    bool is_too_large;
    struct job_list list; /* in the text, once it is whole */
};

struct listing {
    const struct jobs_context *context;
    struct evhttp_request *request;
    char *target;
    struct curl_slist *header;
    struct part *parts;
    size_t count;
    size_t next;
    size_t running;
    enum job_list_form form; /* the first instance's; the others have to have the same */
    struct verdict verdict;
    struct event *deadline;
    void (*over)(void *owner);
    void *owner;
};

static void free_bytes(struct bytes *bytes)
{
    if (bytes != NULL)
        bytes_held -= bytes->size;
    free(bytes);
}

static void free_text(struct part *part)
{
    free_bytes(part->bytes);
    part->bytes = NULL;
    part->length = 0;
}

static void drop(struct listing *listing, struct part *part)
{
    if (part->ask == NULL)
        return;
    ask_free(part->ask);
    part->ask = NULL;
    listing->running--;
}

static bool make_room(struct part *part, size_t more)
{
    size_t old = part->bytes == NULL ? 0 : part->bytes->size;
    size_t size = old == 0 ? FIRST_SIZE : old;

    if (part->bytes != NULL && part->length + more <= old)
        return true;
    while (size < part->length + more)
        size *= 2;
    if (size > LISTING_BODY_MAX || bytes_held - old + size > LISTING_BYTES_MAX)
        return false;
    part->bytes = xreallocarray(part->bytes, sizeof(*part->bytes) + size, 1);
    part->bytes->size = size;
    bytes_held += size - old;
    return true;
}

static size_t on_data(void *context, struct ask *ask, const char *bytes, size_t length)
{
    struct listing *listing = context;
    struct part *part = &listing->parts[ask_index(ask)];

    if (length == 0 || ask_status(ask) < 200 || ask_status(ask) >= 300)
        return 0;
    if (!make_room(part, length)) {
        part->is_too_large = true;
        return 0;
    }
    memcpy(part->bytes->text + part->length, bytes, length);
    part->length += length;
    return length;
}

static void put(struct evbuffer *body, char *text)
{
    evbuffer_add(body, text, strlen(text));
    free(text);
}

static void on_sent(const void *data, size_t length, void *bytes)
{
    (void)data;
    (void)length;
    free_bytes(bytes);
}

/* The jobs of one, without copying them. */
static void put_jobs(struct evbuffer *body, struct part *part, bool *is_first)
{
    if (part->list.length == 0)
        return;
    if (!*is_first)
        evbuffer_add(body, ",", 1);
    *is_first = false;
    if (evbuffer_add_reference(body, part->list.jobs, part->list.length, on_sent, part->bytes) == 0)
        part->bytes = NULL;
}

static void answer_list(struct listing *listing)
{
    struct evhttp_request *request = listing->request;
    struct evkeyvalq *header = evhttp_request_get_output_headers(request);
    struct evbuffer *body = xalloc_checked(evbuffer_new());
    char *missing = verdict_missing(&listing->verdict);
    unsigned long long total = 0;
    bool has_more = false;
    bool is_first = true;

    for (size_t i = 0; i < listing->count; i++) {
        total += listing->parts[i].list.total;
        has_more = has_more || listing->parts[i].list.has_more;
    }
    put(body, job_list_head(listing->form, total));
    for (size_t i = 0; i < listing->count; i++)
        put_jobs(body, &listing->parts[i], &is_first);
    put(body, job_list_tail(listing->form, has_more, missing));
    evhttp_add_header(header, "Content-Type", "application/json");
    evhttp_add_header(header, "Cache-Control", "no-store");
    evhttp_add_header(header, "Connection", "close");
    free(missing);
    listing->over(listing->owner);
    evhttp_send_reply(request, HTTP_OK, "OK", body);
    evbuffer_free(body);
}

static void answer_refusal(struct listing *listing)
{
    struct evhttp_request *request = listing->request;
    int status = verdict_status(&listing->verdict);
    char *text = verdict_body(&listing->verdict);

    listing->over(listing->owner);
    reply_json(request, status, text);
}

/* The listing's last act: what calls it returns at once. It is over first, as a search is. */
static void answer(struct listing *listing)
{
    if (listing->form == JOB_LIST_NONE)
        answer_refusal(listing);
    else
        answer_list(listing);
}

static void read_list(struct listing *listing, struct part *part)
{
    unsigned number = ask_number(part->ask);
    struct job_list list =
        job_list_read(part->bytes == NULL ? "" : part->bytes->text, part->length);

    if (list.form == JOB_LIST_NONE) {
        verdict_add_failure(&listing->verdict, number, "no list of jobs in JSON");
    } else if (listing->form != JOB_LIST_NONE && listing->form != list.form) {
        verdict_add_failure(&listing->verdict, number,
                            "its list has another form than the others'");
    } else {
        listing->form = list.form;
        part->list = list;
        return;
    }
    free_text(part);
}

static void on_done(void *context, struct ask *ask, const char *problem)
{
    struct listing *listing = context;
    struct part *part = &listing->parts[ask_index(ask)];
    long status = ask_status(ask);

    if (part->is_too_large)
        verdict_add_failure(&listing->verdict, ask_number(ask), "its list is too large");
    else if (problem != NULL)
        verdict_add_failure(&listing->verdict, ask_number(ask), problem);
    else if (status < 200 || status >= 300)
        verdict_add_status(&listing->verdict, ask_number(ask), status);
    else
        read_list(listing, part);
    if (part->list.form == JOB_LIST_NONE)
        free_text(part);
    drop(listing, part);
    listing_go_on(listing);
}

static void ask_next(struct listing *listing)
{
    struct question question = {
        .method = EVHTTP_REQ_GET, .target = listing->target, .header = listing->header};
    struct ask_events events = {.data = on_data, .done = on_done, .context = listing};

    listing->parts[listing->next].ask =
        ask_new(listing->context->asks, listing->next, &question, &events);
    listing->next++;
    listing->running++;
}

void listing_go_on(struct listing *listing)
{
    while (listing->next < listing->count && asks_have_room(listing->context->asks))
        ask_next(listing);
    if (listing->next == listing->count && listing->running == 0)
        answer(listing);
}

static void on_deadline(evutil_socket_t fd, short what, void *argument)
{
    struct listing *listing = argument;

    (void)fd;
    (void)what;
    for (size_t i = 0; i < listing->count; i++) {
        if (i < listing->next && listing->parts[i].ask == NULL)
            continue;
        verdict_add_failure(&listing->verdict, listing->context->config->instances[i].number,
                            "no answer in time");
        drop(listing, &listing->parts[i]);
        free_text(&listing->parts[i]);
    }
    answer(listing);
}

static void begin(struct listing *listing)
{
    struct timeval limit = clock_timeval(listing->context->config->check_timeout_ms);

    listing->count = listing->context->farm->count;
    listing->parts = xcalloc(listing->count, sizeof(*listing->parts));
    listing->next = 0;
    listing->form = JOB_LIST_NONE;
    listing->verdict = (struct verdict){0};
    evtimer_add(listing->deadline, &limit);
    listing_go_on(listing);
}

struct listing *listing_new(const struct jobs_context *context, struct evhttp_request *request,
                            void (*over)(void *owner), void *owner)
{
    struct listing *listing = xcalloc(1, sizeof(*listing));

    *listing =
        (struct listing){.context = context, .request = request, .over = over, .owner = owner};
    listing->target = xstrdup(evhttp_request_get_uri(request));
    listing->header = ask_copy_header(request);
    listing->deadline = xalloc_checked(evtimer_new(context->base, on_deadline, listing));
    begin(listing);
    return listing;
}

static void forget_parts(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        drop(listing, &listing->parts[i]);
        free_text(&listing->parts[i]);
    }
    free(listing->parts);
}

void listing_restart(struct listing *listing)
{
    forget_parts(listing);
    begin(listing);
}

void listing_free(struct listing *listing)
{
    forget_parts(listing);
    event_free(listing->deadline);
    curl_slist_free_all(listing->header);
    free(listing->target);
    free(listing);
}
