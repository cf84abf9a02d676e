#include "control.h"

#include <sys/queue.h> /* before libevent, which has a part of it only */

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bulk.h"
#include "change.h"
#include "http.h"
#include "instance.h"
#include "jobs_api.h"
#include "respond.h"
#include "wire.h"

enum { URL_MAX = 80, QUIT_SECONDS = 1, BODY_BYTES_MAX = 1024 * 1024 };

struct control {
    struct sim *sim; /* not owned */
    struct evhttp *http;
    char url[URL_MAX];
};

/* --- answers */

static void reply(struct evhttp_request *request, int status, struct evbuffer *body)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", RESPOND_JSON);
    evhttp_send_reply(request, status, NULL, body);
    evbuffer_free(body);
}

static void reply_text(struct evhttp_request *request, int status, const char *json)
{
    struct evbuffer *body = evbuffer_new();
    evbuffer_add(body, json, strlen(json));
    reply(request, status, body);
}

static void reply_error(struct evhttp_request *request, int status, const char *error)
{
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{\"error\":\"%s\"}", error);
    reply(request, status, body);
}

static uint64_t read_since(struct evhttp_request *request)
{
    uint64_t since = 0;
    struct evkeyvalq query;
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    if (text == NULL || evhttp_parse_query_str(text, &query) != 0) {
        return 0;
    }
    const char *value = evhttp_find_header(&query, "since");
    if (value != NULL) {
        slice_to_number(slice_of(value), &since);
    }
    evhttp_clear_headers(&query);
    return since;
}

/* --- what can be asked for; `instance` is the one that the path names, or NULL */

static void get_instance(struct evhttp_request *request, struct control *control,
                         struct instance *instance)
{
    (void)control;
    struct evbuffer *body = evbuffer_new();
    instance_view(body, instance);
    reply(request, HTTP_OK, body);
}

static void get_instances(struct evhttp_request *request, struct control *control,
                          struct instance *instance)
{
    (void)instance;
    const struct sim *sim = control->sim;
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{\"instances\":[");
    for (size_t i = 0; i < sim->instance_count; i++) {
        evbuffer_add_printf(body, "%s", i > 0 ? "," : "");
        instance_view(body, &sim->instances[i]);
    }
    evbuffer_add_printf(body, "]}");
    reply(request, HTTP_OK, body);
}

/* NULL: not JSON, or not only. Freed by the caller. */
static cJSON *parse_whole(const char *json, size_t len)
{
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithLengthOpts(json, len, &end, 0);
    for (; object != NULL && end < json + len; end++) {
        if (*end == '\0' || strchr(" \t\r\n", *end) == NULL) {
            cJSON_Delete(object);
            return NULL;
        }
    }
    return object;
}

/* The request's body. NULL: it isn't JSON, and that has been answered. Freed by the caller. */
static cJSON *read_body(struct evhttp_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    const char *json = len > 0 ? (const char *)evbuffer_pullup(input, -1) : "";
    cJSON *object = json == NULL ? NULL : parse_whole(json, len);
    if (object == NULL) {
        reply_error(request, HTTP_BADREQUEST, json == NULL ? "out of memory" : "not JSON");
    }
    return object;
}

/* Changes one instance, or all (instance NULL). */
static void post_instances(struct evhttp_request *request, struct control *control,
                           struct instance *instance)
{
    struct sim *sim = control->sim;
    char error[CHANGE_ERROR_MAX];
    cJSON *object = read_body(request);
    if (object == NULL) {
        return;
    }
    int status = instance != NULL
                     ? change_instances(object, instance, 1, error)
                     : change_instances(object, sim->instances, sim->instance_count, error);
    cJSON_Delete(object);
    if (status != HTTP_OK) {
        reply_error(request, status, error);
    } else if (instance != NULL) {
        get_instance(request, control, instance);
    } else {
        get_instances(request, control, NULL);
    }
}

static void get_jobs(struct evhttp_request *request, struct control *control,
                     struct instance *instance)
{
    (void)control;
    struct evbuffer *body = evbuffer_new();
    jobs_view(body, instance, false);
    reply(request, HTTP_OK, body);
}

static void post_jobs(struct evhttp_request *request, struct control *control,
                      struct instance *instance)
{
    (void)control;
    char error[BULK_ERROR_MAX];
    cJSON *object = read_body(request);
    if (object == NULL) {
        return;
    }
    struct evbuffer *body = evbuffer_new();
    if (bulk_make(object, instance, body, error)) {
        reply(request, HTTP_OK, body);
    } else {
        evbuffer_free(body);
        reply_error(request, HTTP_BADREQUEST, error);
    }
    cJSON_Delete(object);
}

static void delete_jobs(struct evhttp_request *request, struct control *control,
                        struct instance *instance)
{
    jobs_delete_all(instance, false);
    get_jobs(request, control, instance);
}

static void get_log(struct evhttp_request *request, const struct record_list *list,
                    enum record_list_kind kind)
{
    struct evbuffer *body = evbuffer_new();
    record_view(body, list, kind, read_since(request));
    reply(request, HTTP_OK, body);
}

static void get_requests(struct evhttp_request *request, struct control *control,
                         struct instance *instance)
{
    (void)control;
    get_log(request, &instance->requests.list, RECORD_IN_LOG);
}

static void get_health_requests(struct evhttp_request *request, struct control *control,
                                struct instance *instance)
{
    (void)control;
    get_log(request, &instance->health_requests.list, RECORD_IN_LOG);
}

static void get_all_requests(struct evhttp_request *request, struct control *control,
                             struct instance *instance)
{
    (void)instance;
    get_log(request, &control->sim->records.all, RECORD_IN_ALL);
}

static void delete_requests(struct evhttp_request *request, struct control *control,
                            struct instance *instance)
{
    (void)instance;
    for (size_t i = 0; i < control->sim->instance_count; i++) {
        instance_forget(&control->sim->instances[i]);
    }
    reply_text(request, HTTP_OK, "{\"requests\":[]}");
}

static void quit_now(struct evhttp_request *request, void *arg)
{
    (void)request;
    struct control *control = arg;
    event_base_loopexit(control->sim->base, NULL);
}

/* Ends the loop once the answer is out, or after a while if nobody takes it. */
static void post_quit(struct evhttp_request *request, struct control *control,
                      struct instance *instance)
{
    (void)instance;
    const struct timeval patience = {QUIT_SECONDS, 0};
    event_base_loopexit(control->sim->base, &patience);
    evhttp_request_set_on_complete_cb(request, quit_now, control);
    reply_text(request, HTTP_OK, "{\"quit\":true}");
}

static void post_flush(struct evhttp_request *request, struct control *control,
                       struct instance *instance)
{
    (void)instance;
    if (joblog_flush(control->sim->joblog)) {
        reply_text(request, HTTP_OK, "{}");
    } else {
        reply_error(request, HTTP_INTERNAL, "the log of jobs could not be written whole");
    }
}

/* --- by method and path */

/* Rows of the same path stand together. In a path N is an instance's number, from 1. */
static const struct command {
    const char *path;
    enum evhttp_cmd_type method;
    void (*answer)(struct evhttp_request *request, struct control *control,
                   struct instance *instance);
} commands[] = {
    {"/instances", EVHTTP_REQ_GET, get_instances},
    {"/instances/all", EVHTTP_REQ_GET, get_instances},
    {"/instances/all", EVHTTP_REQ_POST, post_instances},
    {"/instances/N/requests", EVHTTP_REQ_GET, get_requests},
    {"/instances/N/jobs", EVHTTP_REQ_GET, get_jobs},
    {"/instances/N/jobs", EVHTTP_REQ_POST, post_jobs},
    {"/instances/N/jobs", EVHTTP_REQ_DELETE, delete_jobs},
    {"/instances/N", EVHTTP_REQ_GET, get_instance},
    {"/instances/N", EVHTTP_REQ_POST, post_instances},
    {"/health-requests/N", EVHTTP_REQ_GET, get_health_requests},
    {"/requests", EVHTTP_REQ_GET, get_all_requests},
    {"/requests", EVHTTP_REQ_DELETE, delete_requests},
    {"/flush", EVHTTP_REQ_POST, post_flush},
    {"/quit", EVHTTP_REQ_POST, post_quit},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Does the path fit the pattern? *number is what stands in it for N, or absent. */
static bool fits(struct slice path, const char *pattern, struct slice *number)
{
    const char *n = strchr(pattern, 'N');
    *number = (struct slice){NULL, 0};
    if (n == NULL) {
        return slice_is(path, pattern);
    }
    size_t before = (size_t)(n - pattern);
    size_t behind = strlen(n + 1);
    if (path.len < before + behind || memcmp(path.at, pattern, before) != 0 ||
        !slice_ends_with(path, n + 1)) {
        return false;
    }
    *number = (struct slice){path.at + before, path.len - before - behind};
    return true;
}

/* NULL: there is none of that number. */
static struct instance *find_instance(struct sim *sim, struct slice number)
{
    uint64_t n = 0;
    if (!slice_to_number(number, &n) || n < 1 || n > sim->instance_count) {
        return NULL;
    }
    return &sim->instances[n - 1];
}

/* The rows from this one on that have its path: the one with the request's method answers. False:
 * there is none. */
static bool answer_by_method(const struct command *command, struct evhttp_request *request,
                             struct control *control, struct instance *instance)
{
    const char *path = command->path;
    for (; command < commands + COMMANDS && strcmp(command->path, path) == 0; command++) {
        if (command->method == evhttp_request_get_command(request)) {
            command->answer(request, control, instance);
            return true;
        }
    }
    return false;
}

static void answer(struct evhttp_request *request, void *arg)
{
    struct control *control = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *text = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    const struct slice path = slice_of(text == NULL ? "" : text);
    const struct command *command = commands;
    struct slice number = {NULL, 0};
    while (command < commands + COMMANDS && !fits(path, command->path, &number)) {
        command++;
    }
    struct instance *instance = find_instance(control->sim, number);
    if (number.at != NULL && instance == NULL) {
        reply_error(request, HTTP_NOTFOUND, "no such instance");
    } else if (command == commands + COMMANDS ||
               !answer_by_method(command, request, control, instance)) {
        bool of_instances = instance != NULL || slice_is(path, "/instances/all");
        reply_error(request, of_instances ? HTTP_BADMETHOD : HTTP_NOTFOUND,
                    of_instances ? "method not allowed" : "no such path or method");
    }
}

/* --- the endpoint */

static bool control_listen(struct control *control, const struct sockaddr_storage *address,
                           socklen_t address_len)
{
    struct sockaddr_storage bound;
    socklen_t bound_len = sizeof bound;
    struct evconnlistener *listener =
        evconnlistener_new_bind(control->sim->base, NULL, NULL,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
                                -1, (const struct sockaddr *)address, (int)address_len);
    if (listener == NULL) {
        return false;
    }
    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&bound, &bound_len) != 0 ||
        evhttp_bind_listener(control->http, listener) == NULL) {
        evconnlistener_free(listener);
        return false;
    }
    address_format(control->url, sizeof control->url, "http", &bound);
    return true;
}

struct control *control_new(struct sim *sim, const struct sockaddr_storage *address,
                            socklen_t address_len)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL || (control->http = evhttp_new(sim->base)) == NULL) {
        fprintf(stderr, "leastjobs-sim: cannot set up the control endpoint\n");
        free(control);
        return NULL;
    }
    control->sim = sim;
    evhttp_set_allowed_methods(control->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
    evhttp_set_max_body_size(control->http, BODY_BYTES_MAX);
    evhttp_set_max_headers_size(control->http, REQUEST_HEAD_MAX);
    evhttp_set_gencb(control->http, answer, control);
    if (!control_listen(control, address, address_len)) {
        char url[URL_MAX];
        address_format(url, sizeof url, "http", address);
        fprintf(stderr, "leastjobs-sim: cannot listen on %s for control: %s\n", url,
                strerror(errno));
        control_free(control);
        return NULL;
    }
    return control;
}

const char *control_url(const struct control *control)
{
    return control->url;
}

void control_free(struct control *control)
{
    if (control != NULL) {
        evhttp_free(control->http);
        free(control);
    }
}
