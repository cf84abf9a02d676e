#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/version.h"
#include "slice.h"
#include "wire.h"

enum { INSTANCES_MAX = 30000, JOBS_PATH_MAX = 200 };

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

double options_next_speed(const char **speeds)
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

static bool set_kind(const char *text, struct options *options)
{
    return instance_set_kind(&options->settings, text);
}

static bool set_threads(const char *text, struct options *options)
{
    uint64_t number = 0;
    bool good = read_number(text, 0, INSTANCE_SLOTS_MAX, &number);
    options->settings.threads = (unsigned)number;
    return good;
}

static bool set_linger(const char *text, struct options *options)
{
    (void)text;
    options->linger = true;
    return true;
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
    {"linger", NULL, set_linger, "on SIGTERM, refuse connections and end when the last job has"},
    {"cors", NULL, set_cors, "let pages of all origins in, as the real server does"},
    {"kind", "SERVER", set_kind,
     "whisperx (default), vllm, sglang, llamacpp, whispercpp, triton or none"},
    {"threads", "T", set_threads,
     "with T jobs it answers nothing else (default 0: any number; whispercpp: 1)"},
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
           "Plays inference servers, well behaved or not, for demonstrations and tests.\n\n");
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

enum options_result options_parse(int argc, char **argv, struct options *options)
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
