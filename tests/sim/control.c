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

#include "http.h"
#include "instance.h"
#include "respond.h"
#include "wire.h"

enum {
    URL_MAX = 80,
    QUIT_SECONDS = 1,
    BODY_BYTES_MAX = 64 * 1024,
    ERROR_MAX = 200,
    JOBS_MAX = 1000000000,
    FACTOR_MAX = 1000000,
    SPEED_MAX = 1000000
};

struct control {
    struct sim *sim; /* not owned */
    struct evhttp *http;
    char url[URL_MAX];
};

/* --- changes of an instance's behaviour */

/* Read and checked whole, then applied, so that a bad one changes nothing. */
struct change {
    struct instance_settings settings; /* of the instance, as they will be */
    bool has_listening, listening, drop;
    int64_t release, pieces;
};

static bool take_integer(const cJSON *value, int64_t min, int64_t max, int64_t *number)
{
    if (!cJSON_IsNumber(value) || value->valuedouble < (double)min ||
        value->valuedouble > (double)max) {
        return false;
    }
    *number = (int64_t)value->valuedouble;
    return (double)*number == value->valuedouble;
}

static bool take_bool(const cJSON *value, bool *wanted)
{
    *wanted = cJSON_IsTrue(value);
    return cJSON_IsBool(value);
}

static bool take_external_jobs(const cJSON *value, struct change *change)
{
    return take_integer(value, 0, JOBS_MAX, &change->settings.external_jobs);
}

static bool take_slots(const cJSON *value, struct change *change)
{
    int64_t slots = 0;
    bool good = take_integer(value, 1, INSTANCE_SLOTS_MAX, &slots);
    change->settings.slots = (unsigned)slots;
    return good;
}

static bool take_job_time(const cJSON *value, struct change *change)
{
    change->settings.job_time_ms = INSTANCE_TIME_BY_AUDIO;
    return cJSON_IsNull(value) ||
           take_integer(value, -1, INSTANCE_TIME_MS_MAX, &change->settings.job_time_ms);
}

static bool take_factor(const cJSON *value, struct change *change)
{
    change->settings.factor = cJSON_IsNumber(value) ? value->valuedouble : -1;
    return change->settings.factor >= 0 && change->settings.factor <= FACTOR_MAX;
}

static bool take_speed(const cJSON *value, struct change *change)
{
    change->settings.speed = cJSON_IsNumber(value) ? value->valuedouble : 0;
    return change->settings.speed > 0 && change->settings.speed <= SPEED_MAX;
}

static bool take_form(const cJSON *value, struct change *change)
{
    return cJSON_IsString(value) && instance_parse_form(value->valuestring, &change->settings.form);
}

static bool take_listening(const cJSON *value, struct change *change)
{
    change->has_listening = true;
    return take_bool(value, &change->listening);
}

static bool take_drop(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->drop);
}

/* A status may also come as a number. */
static bool take_health(const cJSON *value, struct change *change)
{
    char name[HEALTH_NAME_MAX] = "";
    int64_t status = 0;
    if (cJSON_IsString(value)) {
        return health_parse(value->valuestring, &change->settings.health);
    }
    if (!take_integer(value, 100, 599, &status)) {
        return false;
    }
    snprintf(name, sizeof name, "%d", (int)status);
    return health_parse(name, &change->settings.health);
}

static bool take_release(const cJSON *value, struct change *change)
{
    return take_integer(value, -1, JOBS_MAX, &change->release);
}

static bool take_response(const cJSON *value, struct change *change)
{
    change->settings.response = (struct odd){0};
    return cJSON_IsNull(value) || (cJSON_IsString(value) && odd_parse(slice_of(value->valuestring),
                                                                      &change->settings.response));
}

static bool take_deaf(const cJSON *value, struct change *change)
{
    return take_bool(value, &change->settings.deaf);
}

static bool take_pieces(const cJSON *value, struct change *change)
{
    return take_integer(value, -1, JOBS_MAX, &change->pieces);
}

static const struct {
    const char *key;
    bool (*take)(const cJSON *value, struct change *change);
    const char *wants;
} keys[] = {
    {"external_jobs", take_external_jobs, "a whole number from 0"},
    {"slots", take_slots, "a whole number from 1"},
    {"job_time_ms", take_job_time, "milliseconds, -1 (held) or null (by the audio)"},
    {"factor", take_factor, "a number from 0"},
    {"speed", take_speed, "a number above 0"},
    {"form", take_form, "nested or flat"},
    {"listening", take_listening, "true or false"},
    {"drop", take_drop, "true or false"},
    {"health", take_health, "a mode of the health answer"},
    {"release", take_release, "a number of jobs, or -1 (all)"},
    {"response", take_response, "the name of an odd response, or null"},
    {"deaf", take_deaf, "true or false"},
    {"pieces", take_pieces, "a number of pieces, or -1 (all)"},
};

static bool take_key(const cJSON *value, struct change *change, char error[ERROR_MAX])
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(value->string, keys[i].key) == 0) {
            if (keys[i].take(value, change)) {
                return true;
            }
            snprintf(error, ERROR_MAX, "bad value of %s: it takes %s", keys[i].key, keys[i].wants);
            return false;
        }
    }
    snprintf(error, ERROR_MAX, "unknown key");
    return false;
}

/* Reads a JSON object; change->settings are the instance's when it begins. False with a text in
 * error (fit for a JSON string). */
static bool read_change(const cJSON *object, struct change *change, char error[ERROR_MAX])
{
    const cJSON *value;
    if (!cJSON_IsObject(object)) {
        snprintf(error, ERROR_MAX, "not a JSON object");
        return false;
    }
    cJSON_ArrayForEach(value, object)
    {
        if (!take_key(value, change, error)) {
            return false;
        }
    }
    if (change->drop && (!change->has_listening || change->listening)) {
        snprintf(error, ERROR_MAX, "drop goes with listening:false only");
        return false;
    }
    return true;
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

/* False if the instance could not listen again (errno says why). */
static bool apply_change(const struct change *change, struct instance *instance)
{
    instance->settings = change->settings;
    instance->jobs.slots = change->settings.slots;
    job_queue_run(&instance->jobs);
    job_release(&instance->jobs, change->release);
    if (change->pieces != 0) {
        instance_release_pieces(instance, change->pieces);
    }
    if (change->has_listening && !change->listening) {
        instance_stop(instance, change->drop);
    }
    return !change->has_listening || !change->listening || instance_start(instance);
}

/* Changes `count` instances, or none of them. Returns the status of the answer; 200 or one with a
 * text in error. */
static int change_instances(const cJSON *object, struct instance *instances, size_t count,
                            char error[ERROR_MAX])
{
    int status = HTTP_OK;
    for (size_t i = 0; i < count; i++) {
        /* Whether it is good doesn't depend on the instance: the first one says so for all. */
        struct change change = {.settings = instances[i].settings};
        if (!read_change(object, &change, error)) {
            return HTTP_BADREQUEST;
        }
        if (!apply_change(&change, &instances[i])) {
            snprintf(error, ERROR_MAX, "%s", strerror(errno));
            status = HTTP_INTERNAL;
        }
    }
    return status;
}

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

/* Changes one instance, or all (instance NULL). */
static void post_instances(struct evhttp_request *request, struct control *control,
                           struct instance *instance)
{
    struct sim *sim = control->sim;
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(input);
    char error[ERROR_MAX];
    const char *json = len > 0 ? (const char *)evbuffer_pullup(input, -1) : "";
    if (json == NULL) {
        reply_error(request, HTTP_BADREQUEST, "out of memory");
        return;
    }
    cJSON *object = parse_whole(json, len);
    if (object == NULL) {
        reply_error(request, HTTP_BADREQUEST, "not JSON");
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
