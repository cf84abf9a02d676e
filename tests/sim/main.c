/* leastjobs-sim: plays inference servers for the demonstration, the tests and the benchmarks. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "control.h"
#include "instance.h"
#include "options.h"
#include "record.h"
#include "wire.h"

/* --- the sim */

/* A job must never be shorter than it was told to be. libevent's usual clock is up to a tick behind
 * the one that the log of jobs has, and the time that it keeps for a turn of the loop is later
 * still: either would end a job too early. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config == NULL) {
        return NULL;
    }
    if (event_config_set_flag(config,
                              EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

/* Sets up the loop, the digest and the buffer. False (with a message on stderr) on failure; call
 * sim_free() in either case. */
static bool sim_init(struct sim *sim)
{
    memset(sim, 0, sizeof *sim);
    sim->random = SIM_RANDOM_SEED;
    record_store_init(&sim->records);
    sim->base = new_base();
    sim->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sim->read_buffer = malloc(SIM_READ_BYTES);
    sim->scratch = evbuffer_new();
    if (sim->base == NULL || sim->sha256 == NULL || sim->read_buffer == NULL ||
        sim->scratch == NULL) {
        fprintf(stderr, "leastjobs-sim: cannot set up the event loop\n");
        return false;
    }
    if (EVP_Digest("", 0, sim->empty_sha256, NULL, sim->sha256, NULL) != 1) {
        fprintf(stderr, "leastjobs-sim: cannot compute SHA-256\n");
        return false;
    }
    return true;
}

/* Frees everything the sim owns: the instances with their connections first, since they use the
 * rest; the log of jobs behind them, since it has the jobs that are aborted now, too. False (with a
 * message on stderr) if that could not be written whole. */
static bool sim_free(struct sim *sim)
{
    if (sim->oracle != NULL) {
        instance_close(sim->oracle);
        free(sim->oracle);
    }
    for (size_t i = 0; i < sim->instance_count; i++) {
        instance_close(&sim->instances[i]);
    }
    free(sim->instances);
    SSL_CTX_free(sim->tls);
    EVP_MD_free(sim->sha256);
    free(sim->read_buffer);
    if (sim->scratch != NULL) {
        evbuffer_free(sim->scratch);
    }
    if (sim->base != NULL) {
        event_base_free(sim->base);
    }
    libevent_global_shutdown();
    return joblog_close(sim->joblog);
}

/* --- opening, running, closing */

/* A thousand instances with their connections need more than the usual 1,024. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void stop(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    event_base_loopbreak(arg);
}

/* --- SIGTERM with --linger: what a server does that loses no job when it is taken away */

enum { LINGER_LOOK_MS = 50 };

static bool is_idle(const struct sim *sim)
{
    for (size_t i = 0; i < sim->instance_count; i++) {
        const struct instance *instance = &sim->instances[i];
        if (instance->open_connections > 0 || instance->queue.running_count > 0 ||
            instance->queue.waiting_count > 0) {
            return false;
        }
    }
    return true;
}

static void end_if_idle(evutil_socket_t fd, short what, void *arg)
{
    struct sim *sim = arg;
    struct timeval pause = {.tv_usec = LINGER_LOOK_MS * 1000};
    (void)fd;
    (void)what;
    if (is_idle(sim) || event_base_once(sim->base, -1, EV_TIMEOUT, end_if_idle, sim, &pause) != 0) {
        event_base_loopbreak(sim->base);
    }
}

static void linger(evutil_socket_t signal_number, short what, void *arg)
{
    struct sim *sim = arg;
    for (size_t i = 0; i < sim->instance_count; i++) {
        instance_stop(&sim->instances[i], false);
    }
    end_if_idle(signal_number, what, sim);
}

/* The certificate and the log of jobs, if they are wanted. */
static bool open_files(struct sim *sim, const struct options *options)
{
    if (options->tls_cert != NULL &&
        (sim->tls = wire_load_tls(options->tls_cert, options->tls_key)) == NULL) {
        return false;
    }
    return options->jobs_log == NULL || (sim->joblog = joblog_open(options->jobs_log)) != NULL;
}

static bool open_instances(struct sim *sim, const struct options *options)
{
    sim->jobs_path = options->jobs_path;
    sim->instances = calloc(options->count, sizeof *sim->instances);
    if (sim->instances == NULL) {
        fprintf(stderr, "leastjobs-sim: out of memory\n");
        return false;
    }
    const char *speeds = options->speeds;
    struct instance_settings settings = options->settings;
    for (unsigned i = 0; i < options->count; i++) {
        struct sockaddr_storage address = options->listen;
        if (options->spread_address) {
            address_add_host(&address, i);
        } else if (address_port(&address) != 0) {
            address_add_port(&address, i);
        }
        settings.speed = options_next_speed(&speeds);
        sim->instance_count++;
        if (!instance_open(&sim->instances[i], sim, i + 1, &address, options->listen_len,
                           &settings)) {
            return false;
        }
    }
    return true;
}

static bool open_oracle(struct sim *sim, const struct options *options)
{
    if (options->oracle_len == 0) {
        return true;
    }
    sim->oracle = calloc(1, sizeof *sim->oracle);
    if (sim->oracle == NULL) {
        fprintf(stderr, "leastjobs-sim: out of memory\n");
        return false;
    }
    return instance_open(sim->oracle, sim, 0, &options->oracle, options->oracle_len,
                         &options->settings);
}

static void announce(const struct sim *sim, const struct control *control)
{
    for (size_t i = 0; i < sim->instance_count; i++) {
        printf("instance %u %s\n", sim->instances[i].number, sim->instances[i].main.url);
    }
    for (size_t i = 0; i < sim->instance_count; i++) {
        if (sim->instances[i].metrics.base != NULL) {
            printf("metrics %u %s\n", sim->instances[i].number, sim->instances[i].metrics.url);
        }
    }
    if (sim->oracle != NULL) {
        printf("oracle %s\n", sim->oracle->main.url);
    }
    printf("control %s\nready\n", control_url(control));
    fflush(stdout);
}

static int run(struct sim *sim, const struct control *control, bool lingers)
{
    struct event *terminate = lingers ? evsignal_new(sim->base, SIGTERM, linger, sim)
                                      : evsignal_new(sim->base, SIGTERM, stop, sim->base);
    struct event *interrupt = evsignal_new(sim->base, SIGINT, stop, sim->base);
    int status = EXIT_FAILURE;
    if (terminate == NULL || interrupt == NULL || event_add(terminate, NULL) != 0 ||
        event_add(interrupt, NULL) != 0) {
        fprintf(stderr, "leastjobs-sim: cannot catch signals\n");
    } else {
        announce(sim, control);
        if (event_base_dispatch(sim->base) >= 0) {
            status = EXIT_SUCCESS;
        }
    }
    if (terminate != NULL) {
        event_free(terminate);
    }
    if (interrupt != NULL) {
        event_free(interrupt);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    switch (options_parse(argc, argv, &options)) {
    case OPTIONS_EXIT_OK:
        return EXIT_SUCCESS;
    case OPTIONS_EXIT_USAGE:
        return 2;
    case OPTIONS_RUN:
        break;
    }
    raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    filler_setup();

    struct sim sim;
    struct control *control = NULL;
    int status = EXIT_FAILURE;
    if (sim_init(&sim) && open_files(&sim, &options) && open_instances(&sim, &options) &&
        open_oracle(&sim, &options) &&
        (control = control_new(&sim, &options.control, options.control_len)) != NULL) {
        status = run(&sim, control, options.linger);
    }
    control_free(control);
    return sim_free(&sim) ? status : EXIT_FAILURE;
}
