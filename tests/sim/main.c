/* leastjobs-sim: plays WhisperX servers for the demonstration, the tests and the benchmarks. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "../../common/version.h"
#include "control.h"
#include "http.h"
#include "instance.h"
#include "record.h"
#include "wire.h"

/* --- the command line */

enum { INSTANCES_MAX = 30000, JOBS_PATH_MAX = 200 };

struct options {
    struct sockaddr_storage listen, control, oracle;
    socklen_t listen_len, control_len, oracle_len; /* oracle_len 0: no oracle */
    unsigned count;
    bool spread_address; /* else the port is counted up */
    struct instance_settings settings;
    const char *speeds; /* one, or one per instance; see next_speed(); into argv */
    unsigned speed_count;
    const char *jobs_path;          /* into argv; NULL: none */
    const char *jobs_log;           /* a path, into argv; NULL: none */
    const char *tls_cert, *tls_key; /* both or none; point into argv */
};

enum options_result { OPTIONS_RUN, OPTIONS_EXIT_OK, OPTIONS_EXIT_USAGE };

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
    return slice_to_number(slice_of(text), number) && *number >= min && *number <= max;
}

static bool set_listen(const char *text, struct options *options)
{
    return address_parse(text, &options->listen, &options->listen_len);
}

static bool set_control(const char *text, struct options *options)
{
    return address_parse(text, &options->control, &options->control_len);
}

static bool set_count(const char *text, struct options *options)
{
    uint64_t number = 0;
    bool good = read_number(text, 1, INSTANCES_MAX, &number);
    options->count = (unsigned)number;
    return good;
}

static bool set_spread(const char *text, struct options *options)
{
    options->spread_address = strcmp(text, "address") == 0;
    return options->spread_address || strcmp(text, "port") == 0;
}

static bool set_slots(const char *text, struct options *options)
{
    uint64_t number = 0;
    bool good = read_number(text, 1, INSTANCE_SLOTS_MAX, &number);
    options->settings.slots = (unsigned)number;
    return good;
}

static bool set_factor(const char *text, struct options *options)
{
    char *end = NULL;
    options->settings.factor = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(options->settings.factor) &&
           options->settings.factor >= 0;
}

static bool set_job_time(const char *text, struct options *options)
{
    uint64_t number = 0;
    if (strcmp(text, "-1") == 0) {
        options->settings.job_time_ms = -1;
        return true;
    }
    bool good = read_number(text, 0, INSTANCE_TIME_MS_MAX, &number);
    options->settings.job_time_ms = (int64_t)number;
    return good;
}

static bool is_speed(double speed)
{
    return isfinite(speed) && speed > 0;
}

/* Takes the next speed from a copy of options->speeds; the last one again and again. */
static double next_speed(const char **speeds)
{
    char *end = NULL;
    double speed = strtod(*speeds, &end);
    *speeds = *end == ',' ? end + 1 : *speeds;
    return speed;
}

static bool set_speed(const char *text, struct options *options)
{
    char *end = NULL;
    options->speeds = text;
    options->speed_count = 1;
    while (is_speed(strtod(text, &end)) && *end == ',') {
        text = end + 1;
        options->speed_count++;
    }
    return end != text && *end == '\0' && is_speed(strtod(text, NULL));
}

static bool set_oracle(const char *text, struct options *options)
{
    return address_parse(text, &options->oracle, &options->oracle_len);
}

static bool set_jobs_log(const char *text, struct options *options)
{
    options->jobs_log = text;
    return true;
}

static bool set_jobs_path(const char *text, struct options *options)
{
    options->jobs_path = text;
    return text[0] == '/' && text[1] != '\0' && text[strlen(text) - 1] != '/' &&
           strlen(text) <= JOBS_PATH_MAX;
}

static bool set_cors(const char *text, struct options *options)
{
    (void)text;
    options->settings.cors = true;
    return true;
}

static bool set_health(const char *text, struct options *options)
{
    return instance_parse_form(text, &options->settings.form);
}

static bool set_tls_cert(const char *text, struct options *options)
{
    options->tls_cert = text;
    return true;
}

static bool set_tls_key(const char *text, struct options *options)
{
    options->tls_key = text;
    return true;
}

static const struct {
    const char *name;
    const char *argument; /* NULL: none */
    bool (*set)(const char *text, struct options *options);
    const char *help;
} table[] = {
    {"listen", "ADDR:PORT", set_listen,
     "the first instance's address (default 127.0.0.1:0; port 0: any free one)"},
    {"count", "N", set_count, "number of instances (default 1)"},
    {"spread", "port|address", set_spread,
     "what is counted up from instance to instance "
     "(default port)"},
    {"control", "ADDR:PORT", set_control, "the control endpoint's address (default 127.0.0.1:0)"},
    {"slots", "K", set_slots, "jobs that run at a time on each instance (default 1)"},
    {"factor", "F", set_factor, "a job takes the audio's length times F (default 0.1)"},
    {"job-time", "MS", set_job_time, "a job takes MS instead; -1: until it is released"},
    {"speed", "F[,F...]", set_speed,
     "a job's time is divided by F; one for all instances, or one for each (default 1)"},
    {"oracle", "ADDR:PORT", set_oracle,
     "an address whose requests go to the instance with the fewest jobs"},
    {"jobs-log", "FILE", set_jobs_log, "write a CSV line for each job"},
    {"jobs-path", "PATH", set_jobs_path,
     "where jobs are made and asked for as OpenAI's videos are, besides /v1/jobs"},
    {"cors", NULL, set_cors, "let pages of all origins in, as the real server does"},
    {"health", "nested|flat", set_health, "form of the health answer (default nested)"},
    {"tls-cert", "FILE", set_tls_cert, "serve TLS with this certificate (PEM)"},
    {"tls-key", "FILE", set_tls_key, "and this key (PEM)"},
    {"help", NULL, NULL, "show this"},
    {"version", NULL, NULL, "show the version"},
};

enum { TABLE_LEN = sizeof table / sizeof table[0] };

static void print_help(void)
{
    printf("Usage: leastjobs-sim [options]\n"
           "Plays WhisperX servers, well behaved or not, for demonstrations and tests.\n\n");
    for (size_t i = 0; i < TABLE_LEN; i++) {
        char option[64];
        snprintf(option, sizeof option, "--%s %s", table[i].name,
                 table[i].argument == NULL ? "" : table[i].argument);
        printf("  %-24s %s\n", option, table[i].help);
    }
}

static enum options_result usage(void)
{
    fprintf(stderr, "leastjobs-sim: try --help\n");
    return OPTIONS_EXIT_USAGE;
}

static void set_defaults(struct options *options)
{
    memset(options, 0, sizeof *options);
    set_listen("127.0.0.1:0", options);
    set_control("127.0.0.1:0", options);
    options->count = 1;
    options->settings = (struct instance_settings){.job_time_ms = INSTANCE_TIME_BY_AUDIO,
                                                   .factor = 0.1,
                                                   .speed = 1,
                                                   .slots = 1,
                                                   .deletes = true,
                                                   .storage = true,
                                                   .form = INSTANCE_NESTED};
    set_speed("1", options);
}

/* What only shows when all options are known. */
static enum options_result check(const struct options *options)
{
    struct sockaddr_storage last = options->listen;
    bool fits = options->spread_address
                    ? address_add_host(&last, options->count - 1)
                    : address_port(&last) == 0 || address_add_port(&last, options->count - 1);
    if (!fits) {
        fprintf(stderr, "leastjobs-sim: --count %u: there are not so many %s after --listen\n",
                options->count, options->spread_address ? "IPv4 addresses" : "ports");
        return usage();
    }
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        fprintf(stderr, "leastjobs-sim: --tls-cert and --tls-key go together\n");
        return usage();
    }
    if (options->speed_count != 1 && options->speed_count != options->count) {
        fprintf(stderr, "leastjobs-sim: --speed takes one number or one for each of %u instances\n",
                options->count);
        return usage();
    }
    return OPTIONS_RUN;
}

/* Reads the command line; prints help, the version or what is wrong with it. */
static enum options_result parse_options(int argc, char **argv, struct options *options)
{
    struct option known[TABLE_LEN + 1] = {{0}};
    for (size_t i = 0; i < TABLE_LEN; i++) {
        known[i].name = table[i].name;
        known[i].has_arg = table[i].argument != NULL ? required_argument : no_argument;
    }
    set_defaults(options);
    int index = 0;
    int result;
    while ((result = getopt_long(argc, argv, "", known, &index)) == 0) {
        if (strcmp(table[index].name, "help") == 0) {
            print_help();
            return OPTIONS_EXIT_OK;
        }
        if (strcmp(table[index].name, "version") == 0) {
            printf("leastjobs-sim %s\n", LEASTJOBS_VERSION);
            return OPTIONS_EXIT_OK;
        }
        if (!table[index].set(optarg, options)) {
            fprintf(stderr, "leastjobs-sim: --%s takes %s, not '%s'\n", table[index].name,
                    table[index].argument, optarg);
            return usage();
        }
    }
    if (result != -1) {
        return usage();
    }
    if (optind < argc) {
        fprintf(stderr, "leastjobs-sim: unexpected argument '%s'\n", argv[optind]);
        return usage();
    }
    return check(options);
}

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
        settings.speed = next_speed(&speeds);
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
    switch (parse_options(argc, argv, &options)) {
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
        status = run(&sim, control);
    }
    control_free(control);
    return sim_free(&sim) ? status : EXIT_FAILURE;
}
