#include "jobs/ask.h"

#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "checks/instance_request.h"
#include "checks/lookup.h"
#include "checks/transfers.h"
#include "jobs/field.h"
#include "xalloc.h"

#define NO_BOUND 1024
#define MS_PER_SECOND 1000U

struct asks {
    struct event_base *base;
    const struct config *config;
    const struct farm *farm;
    struct lookup *lookup;
    struct transfers *transfers;
    struct event *room;
    void (*on_room)(void *context);
    void *context;
    size_t most;
    size_t count;
};

struct ask {
    struct asks *asks;
    struct ask_events events;
    size_t index;
    unsigned number;
    char *host;                     /* to be looked up; NULL: its URL has an address */
    char address[INET6_ADDRSTRLEN]; /* HAProxy's, or "" */
    unsigned look_ms;
    CURL *easy; /* NULL: freed, but its look-up isn't over */
    bool is_looking;
    bool is_sent;
    struct event *start;
    struct curl_slist *connect_to;
    long status;
    char *header;
    size_t header_length;
    bool is_too_large;
    char problem[CURL_ERROR_SIZE];
};

static size_t on_header(char *data, size_t unit, size_t count, void *argument)
{
    struct ask *ask = argument;
    size_t length = unit * count;

    /* Each answer begins anew, after those of status 1xx, and trailers come behind the body. */
    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        ask->header_length = 0;
        curl_easy_getinfo(ask->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    }
    if (length > ASK_HEADER_MAX - ask->header_length) {
        ask->is_too_large = true;
        return 0;
    }
    ask->header = xreallocarray(ask->header, ask->header_length + length + 1, 1);
    memcpy(ask->header + ask->header_length, data, length);
    ask->header_length += length;
    ask->header[ask->header_length] = '\0';
    return length;
}

static size_t on_body(char *data, size_t unit, size_t count, void *argument)
{
    struct ask *ask = argument;

    curl_easy_getinfo(ask->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    return ask->events.data(ask->events.context, ask, data, unit * count);
}

static void end(struct ask *ask, CURLcode code)
{
    const char *problem = ask->problem[0] == '\0' ? curl_easy_strerror(code) : ask->problem;

    if (code == CURLE_OK || code == CURLE_WRITE_ERROR)
        curl_easy_getinfo(ask->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    /* A write error with a status is the taker's own wish. */
    bool is_good = code == CURLE_OK || (code == CURLE_WRITE_ERROR && ask->status > 0);
    if (ask->is_too_large) {
        is_good = false;
        problem = "its header is too large";
    }
    ask->events.done(ask->events.context, ask, is_good ? NULL : problem);
}

static void on_done(CURL *easy, CURLcode code)
{
    struct ask *ask = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &ask);
    end(ask, code);
}

static void release(struct ask *ask)
{
    if (ask->easy != NULL)
        curl_easy_cleanup(ask->easy);
    if (ask->start != NULL)
        event_free(ask->start);
    curl_slist_free_all(ask->connect_to);
    free(ask->header);
    free(ask->host);
    free(ask);
}

static void send_it(struct ask *ask)
{
    ask->is_sent = true;
    transfers_add(ask->asks->transfers, ask->index, ask->easy);
}

static void on_address(void *context, const char *address, const char *reason)
{
    struct ask *ask = context;

    ask->is_looking = false;
    if (ask->easy == NULL) {
        release(ask);
        return;
    }
    if (address == NULL) {
        snprintf(ask->problem, sizeof(ask->problem), "%s", reason);
        end(ask, CURLE_COULDNT_RESOLVE_HOST);
        return;
    }
    ask->connect_to = instance_request_go_to(ask->easy, address);
    send_it(ask);
}

static void on_start(evutil_socket_t fd, short what, void *argument)
{
    struct ask *ask = argument;

    (void)fd;
    (void)what;
    if (ask->host == NULL) {
        send_it(ask);
        return;
    }
    ask->is_looking = true;
    lookup_ask(ask->asks->lookup, ask->host, ask->address, ask->look_ms, on_address, ask);
}

static const char *method_name(enum evhttp_cmd_type method)
{
    switch (method) {
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    default:
        return "GET";
    }
}

static void set_method(CURL *easy, const struct question *question)
{
    bool may_have_body = question->method == EVHTTP_REQ_POST ||
                         question->method == EVHTTP_REQ_PUT || question->method == EVHTTP_REQ_PATCH;

    if (question->method == EVHTTP_REQ_HEAD) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (may_have_body || question->body_length > 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)question->body_length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question->body == NULL ? "" : question->body);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_name(question->method));
}

static void set_question(struct ask *ask, const struct config *config,
                         const struct question *question)
{
    const struct url *url = &config->instances[ask->index].url;
    char *target = xasprintf("%s%s", url->path, question->target);
    CURL *easy = ask->easy;

    curl_easy_setopt(easy, CURLOPT_URL, url->text);
    curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, target);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, question->header);
    set_method(easy, question);
    /* A request that was sent is never sent again, as it would be on a connection found closed. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms);
    /* So long may it be silent, but for pauses. */
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     (long)(config->request_timeout_ms / MS_PER_SECOND));
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, ask);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ask);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, ask->problem);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, ask);
    free(target);
}

struct ask *ask_new(struct asks *asks, size_t index, const struct question *question,
                    const struct ask_events *events)
{
    struct ask *ask = xcalloc(1, sizeof(*ask));
    const struct instance_config *instance = &asks->config->instances[index];

    *ask = (struct ask){.asks = asks,
                        .events = *events,
                        .index = index,
                        .number = instance->number,
                        .look_ms = asks->config->check_timeout_ms};
    ask->easy = xalloc_checked(instance_request_new(asks->config));
    ask->start = xalloc_checked(evtimer_new(asks->base, on_start, ask));
    if (instance->url.host_kind == URL_HOST_NAME)
        ask->host = xstrdup(instance->url.host);
    snprintf(ask->address, sizeof(ask->address), "%s", asks->farm->instances[index].address);
    set_question(ask, asks->config, question);
    event_active(ask->start, EV_TIMEOUT, 1);
    asks->count++;
    return ask;
}

void ask_free(struct ask *ask)
{
    struct asks *asks = ask->asks;

    if (asks->count-- == asks->most)
        event_active(asks->room, EV_TIMEOUT, 1);
    if (ask->is_sent)
        transfers_remove(asks->transfers, ask->index, ask->easy);
    if (!ask->is_looking) {
        release(ask);
        return;
    }
    /* Its look-up can't be taken back: that is its end. */
    curl_easy_cleanup(ask->easy);
    ask->easy = NULL;
}

size_t ask_index(const struct ask *ask)
{
    return ask->index;
}

unsigned ask_number(const struct ask *ask)
{
    return ask->number;
}

long ask_status(const struct ask *ask)
{
    return ask->status;
}

const char *ask_header(const struct ask *ask)
{
    return ask->header == NULL ? "" : ask->header;
}

void ask_go_on(struct ask *ask)
{
    curl_easy_pause(ask->easy, CURLPAUSE_CONT);
}

static void on_room(evutil_socket_t fd, short what, void *argument)
{
    struct asks *asks = argument;

    (void)fd;
    (void)what;
    asks->on_room(asks->context);
}

struct asks *asks_new(struct event_base *base, size_t most, void (*room)(void *context),
                      void *context)
{
    struct asks *asks = xcalloc(1, sizeof(*asks));

    *asks = (struct asks){
        .base = base, .on_room = room, .context = context, .most = most == 0 ? NO_BOUND : most};
    asks->lookup = lookup_new(base);
    /* One multi handle: connections aren't kept, so there is little that it walks. */
    asks->transfers = transfers_new(base, 1, 0, on_done);
    asks->room = evtimer_new(base, on_room, asks);
    if (asks->lookup == NULL || asks->transfers == NULL || asks->room == NULL) {
        asks_free(asks);
        return NULL;
    }
    return asks;
}

void asks_use(struct asks *asks, const struct config *config, const struct farm *farm)
{
    asks->config = config;
    asks->farm = farm;
}

bool asks_have_room(const struct asks *asks)
{
    return asks->count < asks->most;
}

void asks_free(struct asks *asks)
{
    if (asks == NULL)
        return;
    lookup_free(asks->lookup);
    transfers_free(asks->transfers);
    if (asks->room != NULL)
        event_free(asks->room);
    free(asks);
}

/* What libcurl or this program says itself. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"Host", "Content-Length", "Proxy-Authorization", "Expect"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_plain(const char *value)
{
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < ' ' && *value != '\t')
            return false;
    }
    return true;
}

static struct curl_slist *append(struct curl_slist *list, const char *format, const char *name,
                                 const char *value)
{
    char *line = xasprintf(format, name, value);
    struct curl_slist *longer = xalloc_checked(curl_slist_append(list, line));

    free(line);
    return longer;
}

struct curl_slist *ask_copy_header(struct evhttp_request *request)
{
    /* Fields of libcurl's own that are left out unless the client has them. */
    static const char *const own[] = {"Accept", "Content-Type"};
    struct evkeyvalq *header = evhttp_request_get_input_headers(request);
    struct curl_slist *list = append(NULL, "%s%s", "Expect:", "");
    struct evkeyval *field;

    for (field = header->tqh_first; field != NULL; field = field->next.tqe_next) {
        if (field_is_of_connection(field->key) || is_ours(field->key) || !is_plain(field->value))
            continue;
        list = append(list, field->value[0] == '\0' ? "%s;%s" : "%s: %s", field->key, field->value);
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (evhttp_find_header(header, own[i]) == NULL)
            list = append(list, "%s:%s", own[i], "");
    }
    return list;
}
