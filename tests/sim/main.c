/* leastjobs-sim: plays WhisperX servers for the demonstration, the tests and the benchmarks. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "address.h"
#include "control.h"
#include "instance.h"
#include "joblog.h"
#include "options.h"
#include "sim.h"
#include "source.h"
#include "transport.h"

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

static bool open_instances(struct sim *sim, const struct options *options)
{
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
        printf("instance %u %s\n", sim->instances[i].number, sim->instances[i].url);
    }
    if (sim->oracle != NULL) {
        printf("oracle %s\n", sim->oracle->url);
    }
    printf("control %s\nready\n", control_url(control));
    fflush(stdout);
}

static int run(struct sim *sim, const struct control *control)
{
    struct event *terminate = evsignal_new(sim->base, SIGTERM, stop, sim->base);
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
    source_setup();

    struct sim sim;
    struct control *control = NULL;
    struct joblog *joblog = NULL;
    int status = EXIT_FAILURE;
    if (!sim_init(&sim)) {
        goto cleanup;
    }
    if (options.tls_cert != NULL &&
        (sim.tls = transport_load_tls(options.tls_cert, options.tls_key)) == NULL) {
        goto cleanup;
    }
    if (options.jobs_log != NULL && (joblog = joblog_open(options.jobs_log)) == NULL) {
        goto cleanup;
    }
    sim.joblog = joblog;
    if (!open_instances(&sim, &options) || !open_oracle(&sim, &options)) {
        goto cleanup;
    }
    control = control_new(&sim, &options.control, options.control_len);
    if (control != NULL) {
        status = run(&sim, control);
    }
cleanup:
    control_free(control);
    sim_free(&sim);
    /* Last: jobs that are aborted now are logged, too. */
    if (!joblog_close(joblog)) {
        status = EXIT_FAILURE;
    }
    return status;
}
