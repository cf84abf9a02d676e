#include "control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "instance.h"
#include "joblog.h"
#include "patch.h"
#include "request.h"
#include "slice.h"
#include "view.h"

struct control {
    struct sim *sim; /* not owned */
    struct evhttp *http;
    char url[CONTROL_URL_MAX];
};

static void reply(struct evhttp_request *request, int status, struct evbuffer *body)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "application/json");
    evhttp_send_reply(request, status, NULL, body);
    evbuffer_free(body);
}

static void reply_error(struct evhttp_request *request, int status, const char *error)
{
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{\"error\":\"%s\"}", error);
    reply(request, status, body);
}

/* The number N of /…/N: 1 to the number of instances. NULL: there is none such. */
static struct instance *find_instance(struct sim *sim, struct slice number)
{
    uint64_t n = 0;
    if (!slice_to_number(number, &n) || n < 1 || n > sim->instance_count) {
        return NULL;
    }
    return &sim->instances[n - 1];
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
        slice_to_number((struct slice){value, strlen(value)}, &since);
    }
    evhttp_clear_headers(&query);
    return since;
}

static void get_instance(struct evhttp_request *request, const struct instance *instance)
{
    struct evbuffer *body = evbuffer_new();
    view_instance(body, instance);
    reply(request, HTTP_OK, body);
}

static void get_instances(struct evhttp_request *request, const struct sim *sim)
{
    struct evbuffer *body = evbuffer_new();
    view_instances(body, sim);
    reply(request, HTTP_OK, body);
}

static void get_log(struct evhttp_request *request, const struct record_log *log)
{
    struct evbuffer *body = evbuffer_new();
    view_log(body, log, read_since(request));
    reply(request, HTTP_OK, body);
}

static void get_all(struct evhttp_request *request, const struct sim *sim)
{
    struct evbuffer *body = evbuffer_new();
    view_all(body, &sim->records, read_since(request));
    reply(request, HTTP_OK, body);
}

/* Changes one instance, or all (instance NULL). */
static void post_instance(struct evhttp_request *request, struct sim *sim,
                          struct instance *instance)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    char error[PATCH_ERROR_MAX];
    struct patch patch;
    const char *json = len > 0 ? (const char *)evbuffer_pullup(input, -1) : "";
    if (json == NULL || !patch_parse(json, len, &patch, error)) {
        reply_error(request, HTTP_BADREQUEST, json == NULL ? "out of memory" : error);
        return;
    }
    bool good = true;
    if (instance != NULL) {
        good = patch_apply(&patch, instance);
    }
    for (size_t i = 0; instance == NULL && i < sim->instance_count; i++) {
        good = patch_apply(&patch, &sim->instances[i]) && good;
    }
    if (!good) {
        reply_error(request, HTTP_INTERNAL, strerror(errno));
    } else if (instance != NULL) {
        get_instance(request, instance);
    } else {
        get_instances(request, sim);
    }
}

static void delete_requests(struct evhttp_request *request, struct sim *sim)
{
    for (size_t i = 0; i < sim->instance_count; i++) {
        instance_forget(&sim->instances[i]);
    }
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{\"requests\":[]}");
    reply(request, HTTP_OK, body);
}

static void quit_now(struct evhttp_request *request, void *arg)
{
    (void)request;
    struct control *control = arg;
    event_base_loopexit(control->sim->base, NULL);
}

/* Ends the loop once the answer is out, or after a while if nobody takes it. */
static void post_quit(struct evhttp_request *request, struct control *control)
{
    const struct timeval patience = {CONTROL_QUIT_SECONDS, 0};
    event_base_loopexit(control->sim->base, &patience);
    evhttp_request_set_on_complete_cb(request, quit_now, control);
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{\"quit\":true}");
    reply(request, HTTP_OK, body);
}

static void post_flush(struct evhttp_request *request, const struct sim *sim)
{
    if (!joblog_flush(sim->joblog)) {
        reply_error(request, HTTP_INTERNAL, "the log of jobs could not be written whole");
        return;
    }
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "{}");
    reply(request, HTTP_OK, body);
}

/* /instances/N and /instances/N/requests */
static void route_instance(struct evhttp_request *request, struct sim *sim, struct slice rest)
{
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    bool requests = slice_ends_with(rest, "/requests");
    rest.len -= requests ? strlen("/requests") : 0;
    struct instance *instance = find_instance(sim, rest);
    bool all = slice_is(rest, "all") && !requests;
    if (instance == NULL && !all) {
        reply_error(request, HTTP_NOTFOUND, "no such instance");
    } else if (method == EVHTTP_REQ_POST && !requests) {
        post_instance(request, sim, instance);
    } else if (method != EVHTTP_REQ_GET) {
        reply_error(request, HTTP_BADMETHOD, "method not allowed");
    } else if (requests) {
        get_log(request, &instance->requests);
    } else if (all) {
        get_instances(request, sim);
    } else {
        get_instance(request, instance);
    }
}

static void route_health_requests(struct evhttp_request *request, struct sim *sim,
                                  struct slice rest)
{
    struct instance *instance = find_instance(sim, rest);
    if (instance == NULL) {
        reply_error(request, HTTP_NOTFOUND, "no such instance");
    } else if (evhttp_request_get_command(request) != EVHTTP_REQ_GET) {
        reply_error(request, HTTP_BADMETHOD, "method not allowed");
    } else {
        get_log(request, &instance->health_requests);
    }
}

static bool take_prefix(struct slice *path, const char *prefix)
{
    if (!slice_starts_with(*path, prefix)) {
        return false;
    }
    path->at += strlen(prefix);
    path->len -= strlen(prefix);
    return true;
}

static void route(struct evhttp_request *request, void *arg)
{
    struct control *control = arg;
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *text = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    struct slice path = {text == NULL ? "" : text, text == NULL ? 0 : strlen(text)};
    if (take_prefix(&path, "/instances/")) {
        route_instance(request, control->sim, path);
    } else if (take_prefix(&path, "/health-requests/")) {
        route_health_requests(request, control->sim, path);
    } else if (slice_is(path, "/instances") && method == EVHTTP_REQ_GET) {
        get_instances(request, control->sim);
    } else if (slice_is(path, "/requests") && method == EVHTTP_REQ_GET) {
        get_all(request, control->sim);
    } else if (slice_is(path, "/requests") && method == EVHTTP_REQ_DELETE) {
        delete_requests(request, control->sim);
    } else if (slice_is(path, "/flush") && method == EVHTTP_REQ_POST) {
        post_flush(request, control->sim);
    } else if (slice_is(path, "/quit") && method == EVHTTP_REQ_POST) {
        post_quit(request, control);
    } else {
        reply_error(request, HTTP_NOTFOUND, "no such path or method");
    }
}

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
    evhttp_set_max_body_size(control->http, PATCH_BYTES_MAX);
    evhttp_set_max_headers_size(control->http, REQUEST_HEAD_MAX);
    evhttp_set_gencb(control->http, route, control);
    if (!control_listen(control, address, address_len)) {
        char url[CONTROL_URL_MAX];
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
