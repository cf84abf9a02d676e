#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "config.h"
#include "file_limit.h"
#include "health_headers.h"
#include "log.h"
#include "service.h"
#include "version.h"

#define PROGRAM "leastjobs-agent"

struct arguments {
    struct config_sources sources;
    bool test;
    bool supervised;
};

/* What the signal handlers work on. */
struct daemon {
    struct event_base *base;
    struct service *service;
    const struct config_sources *sources;
    bool is_supervised; /* somebody else sees to it that HAProxy has the same configuration */
};

static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct argument own[] = {
        {"test", 't', NULL, "check the configuration and exit", NULL, &arguments->test},
        {"supervised", '\0', NULL, "say nothing of reloads that HAProxy needs (leastjobs run)",
         NULL, &arguments->supervised},
    };
    const struct program program = {
        .name = PROGRAM,
        .purpose = "Polls the instances' health and answers HAProxy's agent-checks.",
        .notes = "Signals: SIGTERM and SIGINT end it, SIGHUP reads both files again.\n"
                 "Exit status: 0, 1 for a run-time failure, 2 for a usage or configuration error, "
                 "also for\n"
                 "a port in use.\n",
        .arguments = own,
        .argument_count = sizeof(own) / sizeof(own[0]),
    };

    return arguments_parse(&program, argc, argv, &arguments->sources);
}

/* libevent says on standard error what its callers are told anyway, in a loop if need be. */
static void drop_libevent_message(int severity, const char *message)
{
    (void)severity;
    log_debug("libevent: %s", message);
}

/* With what only the agent reads; NULL with what is wrong in `errors`. */
static struct config *load(const struct config_sources *sources, struct errors *errors)
{
    struct config *config = config_load(sources, errors);

    if (config == NULL)
        return NULL;
    health_headers_read(config, errors);
    if (errors->count == 0)
        return config;
    config_free(config);
    return NULL;
}

static void on_stop(evutil_socket_t signal_number, short what, void *argument)
{
    struct daemon *daemon = argument;

    (void)what;
    log_info("stopping on signal %s", strsignal((int)signal_number));
    event_base_loopbreak(daemon->base);
}

static void log_errors(const struct errors *errors)
{
    for (size_t i = 0; i < errors->warning_count; i++)
        log_warning("%s", errors->warnings[i]);
    for (size_t i = 0; i < errors->count; i++)
        log_error("%s", errors->errors[i]);
}

/*
 * What is said of a reload is said at the old level or the new one, whichever says more: a change
 * of LOG_LEVEL hides nothing of what changed with it.
 */
static void on_reload(evutil_socket_t signal_number, short what, void *argument)
{
    struct daemon *daemon = argument;
    struct errors errors = {0};
    struct config *config = load(daemon->sources, &errors);
    size_t count = config == NULL ? 0 : config->instance_count;
    enum log_level old = log_level();
    enum log_level new = config == NULL ? old : config->log_level;

    (void)signal_number;
    (void)what;
    log_set_level(new < old ? new : old);
    size_t own = errors.warning_count;
    bool done = config != NULL && service_reload(daemon->service, config, &errors);
    if (done && daemon->is_supervised)
        errors_drop_warnings(&errors, own);
    log_errors(&errors);
    if (done)
        log_info("configuration reloaded: %zu instances", count);
    else
        log_error("the new configuration is bad: the old one stays in force");
    log_set_level(done ? new : old);
    errors_free(&errors);
}

static struct event *watch_signal(struct daemon *daemon, int signal_number,
                                  event_callback_fn callback)
{
    struct event *event = evsignal_new(daemon->base, signal_number, callback, daemon);

    if (event == NULL || evsignal_add(event, NULL) != 0) {
        log_error("out of memory");
        exit(1);
    }
    return event;
}

/* A socket that is watched and left alone again in one turn of the loop costs no system call. */
static struct event_base *new_base(void)
{
    struct event_config *options = event_config_new();
    struct event_base *base;

    if (options == NULL)
        return NULL;
    event_config_set_flag(options, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    base = event_base_new_with_config(options);
    event_config_free(options);
    return base;
}

/* The loop, from the first check to the last signal. */
static int run(struct config *config, const struct arguments *arguments)
{
    struct errors errors = {0};
    struct daemon daemon = {
        .base = new_base(), .sources = &arguments->sources, .is_supervised = arguments->supervised};
    int status = EXIT_USAGE;

    if (daemon.base == NULL) {
        log_error("libevent can't be set up");
        config_free(config);
        return 1;
    }
    log_info(PROGRAM " " LEASTJOBS_VERSION
                     ": %zu instances, checks every %u ms, agent-checks on %s port %u, HTTP on "
                     "port %u",
             config->instance_count, config->check_interval_ms, config->agent_bind_address,
             config->agent_port, config->status_port);
    daemon.service = service_new(daemon.base, config, &errors);
    if (daemon.service != NULL) {
        struct event *signals[] = {watch_signal(&daemon, SIGTERM, on_stop),
                                   watch_signal(&daemon, SIGINT, on_stop),
                                   watch_signal(&daemon, SIGHUP, on_reload)};
        status = event_base_dispatch(daemon.base) == 0 ? 0 : 1;
        service_free(daemon.service);
        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
            event_free(signals[i]);
    }
    event_base_free(daemon.base);
    errors_print(&errors, PROGRAM, stderr);
    errors_free(&errors);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.sources = {.environment = environ}};
    struct errors errors = {0};

    int status = read_arguments(argc, argv, &arguments);
    if (status >= 0)
        return status;
    signal(SIGPIPE, SIG_IGN);
    file_limit_raise();
    event_set_log_callback(drop_libevent_message);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct config *config = load(&arguments.sources, &errors);
    errors_print(&errors, PROGRAM, stderr);
    if (config == NULL) {
        status = EXIT_USAGE;
    } else if (arguments.test) {
        printf("configuration OK: %zu instances\n", config->instance_count);
        config_free(config);
        status = fflush(stdout) == 0 ? 0 : 1;
        if (status != 0)
            perror(PROGRAM ": standard output can't be written");
    } else {
        log_set_level(config->log_level);
        status = run(config, &arguments);
    }
    errors_free(&errors);
    curl_global_cleanup();
    return status;
}
