/*
 * A client of agent-checks, as HAProxy makes them: a new connection each, one line out, one line
 * back, closed. Times each from connect() to the answer and judges the answer.
 *
 *     leastjobs-checker --port P [--count N] [--seconds S] [--rate R | --parallel C]
 *                       [--modulo M] [--csv FILE]
 *
 * With --rate, R checks a second begin, evenly spread, however long the answers take (an open
 * loop); with --parallel, C connections are kept busy (a closed loop). The instances 1 to N are
 * asked in turn. Instance n has to answer "up P%" for (n - 1) mod M
 * external jobs: P is 100 less those, R 1000000000.
 * Prints one line of key=value; FILE gets every check's begin and time in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define ANSWER_SIZE 64
#define TIME_LIMIT_S 2
/* A server that doesn't keep up must not take all our files. */
#define OPEN_MAX_CHECKS 8192
#define MICROSECONDS INT64_C(1000000)

enum outcome { GOOD, WRONG, MISSING, OUTCOMES };
static const char *const outcome_texts[OUTCOMES] = {"good", "wrong", "missing"};

struct options {
    unsigned port;
    unsigned count;
    unsigned seconds;
    unsigned rate;
    unsigned parallel;
    unsigned modulo;
    const char *csv;
};

/* One that has ended. */
struct result {
    uint32_t began_us;
    uint32_t took_us;
    unsigned instance;
    enum outcome outcome;
};

struct checker {
    struct options options;
    struct sockaddr_in address;
    struct event_base *base;
    struct event *ticker;
    int64_t started_us;
    int64_t end_us;
    uint64_t begun;
    unsigned open;
    unsigned next_instance;
    int64_t latest_begin_us; /* how far behind its time the worst check began */
    struct result *results;
    size_t result_count;
    size_t result_size;
    size_t outcomes[OUTCOMES];
};

struct check {
    struct checker *checker;
    struct event event;
    int fd;
    int64_t began_us;
    unsigned instance;
    size_t length;
    char answer[ANSWER_SIZE];
};

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * MICROSECONDS + now.tv_nsec / 1000;
}

static void die(const char *what)
{
    fprintf(stderr, "leastjobs-checker: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void keep_result(struct checker *checker, const struct check *check, enum outcome outcome)
{
    if (checker->result_count == checker->result_size) {
        checker->result_size = checker->result_size == 0 ? 65536 : checker->result_size * 2;
        checker->results =
            reallocarray(checker->results, checker->result_size, sizeof(*checker->results));
        if (checker->results == NULL)
            die("results");
    }
    checker->results[checker->result_count++] = (struct result){
        .began_us = (uint32_t)(check->began_us - checker->started_us),
        .took_us = (uint32_t)(now_us() - check->began_us),
        .instance = check->instance,
        .outcome = outcome,
    };
    checker->outcomes[outcome]++;
}

static void begin_check(struct checker *checker);

static bool is_over(const struct checker *checker)
{
    return now_us() >= checker->end_us;
}

static void end_check(struct check *check, enum outcome outcome)
{
    struct checker *checker = check->checker;

    keep_result(checker, check, outcome);
    event_del(&check->event);
    close(check->fd);
    free(check);
    checker->open--;
    if (checker->options.parallel > 0 && !is_over(checker))
        begin_check(checker);
    else if (checker->open == 0 && is_over(checker))
        event_base_loopbreak(checker->base);
}

static enum outcome judge(const struct check *check)
{
    char expected[ANSWER_SIZE];
    unsigned jobs = (check->instance - 1) % check->checker->options.modulo;
    size_t length = (size_t)snprintf(expected, sizeof(expected), "up %u%%\n", 100 - jobs);

    if (check->length == 0)
        return MISSING;
    return check->length == length && memcmp(check->answer, expected, length) == 0 ? GOOD : WRONG;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct check *check = argument;
    ssize_t received =
        recv(fd, check->answer + check->length, sizeof(check->answer) - check->length, 0);

    if (received > 0) {
        check->length += (size_t)received;
        if (memchr(check->answer, '\n', check->length) == NULL &&
            check->length < sizeof(check->answer))
            return;
    } else if (!(what & EV_TIMEOUT) && received < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    end_check(check, judge(check));
}

static void wait_for(struct check *check, short what, event_callback_fn callback)
{
    const struct timeval limit = {.tv_sec = TIME_LIMIT_S};

    event_assign(&check->event, check->checker->base, check->fd, (short)(what | EV_PERSIST),
                 callback, check);
    if (event_add(&check->event, &limit) != 0)
        die("event_add");
}

static void on_connected(evutil_socket_t fd, short what, void *argument)
{
    struct check *check = argument;
    char line[ANSWER_SIZE];
    int length = snprintf(line, sizeof(line), "instance%u external\n", check->instance);

    if ((what & EV_TIMEOUT) || send(fd, line, (size_t)length, MSG_NOSIGNAL) != length) {
        end_check(check, MISSING);
        return;
    }
    event_del(&check->event);
    wait_for(check, EV_READ, on_readable);
}

/*
 * Closed with a reset, as HAProxy closes its checks: else the server's side stays in TIME_WAIT and
 * a long run at full speed measures the search for a free port.
 */
static int open_socket(void)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) != 0)
        die("socket");
    return fd;
}

static void begin_check(struct checker *checker)
{
    struct check *check = calloc(1, sizeof(*check));

    if (check == NULL)
        die("check");
    check->checker = checker;
    check->instance = checker->next_instance + 1;
    checker->next_instance = (checker->next_instance + 1) % checker->options.count;
    checker->begun++;
    checker->open++;
    check->fd = open_socket();
    check->began_us = now_us();
    /* What is wrong with the connection shows when the line is sent. */
    if (connect(check->fd, (struct sockaddr *)&checker->address, sizeof(checker->address)) != 0 &&
        errno != EINPROGRESS)
        die("connect");
    wait_for(check, EV_WRITE, on_connected);
}

static int64_t due_us(const struct checker *checker)
{
    return checker->started_us +
           (int64_t)(checker->begun * (uint64_t)MICROSECONDS / checker->options.rate);
}

/* The server is so far behind that there are no files left: as good as not answered. */
static void skip_check(struct checker *checker)
{
    const struct check check = {.began_us = now_us(), .instance = checker->next_instance + 1};

    checker->next_instance = (checker->next_instance + 1) % checker->options.count;
    checker->begun++;
    keep_result(checker, &check, MISSING);
}

/* Begins what is due; each check has its own moment, whatever became of those before. */
static void on_tick(evutil_socket_t unused, short what, void *argument)
{
    struct checker *checker = argument;
    int64_t late;

    (void)unused;
    (void)what;
    while (due_us(checker) < checker->end_us && (late = now_us() - due_us(checker)) >= 0) {
        if (late > checker->latest_begin_us)
            checker->latest_begin_us = late;
        if (checker->open < OPEN_MAX_CHECKS)
            begin_check(checker);
        else
            skip_check(checker);
    }
    if (due_us(checker) < checker->end_us) {
        int64_t wait = due_us(checker) - now_us();
        struct timeval timeout = {.tv_usec = wait > 0 ? wait : 0};
        timeout.tv_sec = timeout.tv_usec / MICROSECONDS;
        timeout.tv_usec %= MICROSECONDS;
        evtimer_add(checker->ticker, &timeout);
    }
}

static void on_end(evutil_socket_t unused, short what, void *argument)
{
    struct checker *checker = argument;

    (void)unused;
    (void)what;
    if (checker->open == 0)
        event_base_loopbreak(checker->base);
}

/* Timers to the microsecond, else checks come in bunches of a millisecond. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
        base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    if (base == NULL)
        die("event_base");
    return base;
}

static void run(struct checker *checker)
{
    const struct timeval length = {.tv_sec = checker->options.seconds};

    checker->base = new_base();
    checker->ticker = evtimer_new(checker->base, on_tick, checker);
    if (checker->ticker == NULL ||
        event_base_once(checker->base, -1, EV_TIMEOUT, on_end, checker, &length) != 0)
        die("timer");
    checker->started_us = now_us();
    checker->end_us = checker->started_us + checker->options.seconds * MICROSECONDS;
    if (checker->options.rate > 0)
        on_tick(-1, EV_TIMEOUT, checker);
    for (unsigned i = 0; i < checker->options.parallel; i++)
        begin_check(checker);
    event_base_dispatch(checker->base);
    event_free(checker->ticker);
    event_base_free(checker->base);
}

static int compare_times(const void *left, const void *right)
{
    uint32_t a = ((const struct result *)left)->took_us;
    uint32_t b = ((const struct result *)right)->took_us;

    return (a > b) - (a < b);
}

/* The nearest rank of sorted results. */
static uint32_t percentile(const struct checker *checker, unsigned percent)
{
    size_t rank = (checker->result_count * percent + 99) / 100;

    return checker->result_count == 0 ? 0 : checker->results[rank == 0 ? 0 : rank - 1].took_us;
}

static void write_csv(const struct checker *checker)
{
    FILE *file = fopen(checker->options.csv, "w");

    if (file == NULL)
        die(checker->options.csv);
    fprintf(file, "began_us,took_us,instance,outcome\n");
    for (size_t i = 0; i < checker->result_count; i++) {
        const struct result *result = &checker->results[i];
        fprintf(file, "%" PRIu32 ",%" PRIu32 ",%u,%s\n", result->began_us, result->took_us,
                result->instance, outcome_texts[result->outcome]);
    }
    if (fclose(file) != 0)
        die(checker->options.csv);
}

static void print_summary(struct checker *checker, double seconds)
{
    qsort(checker->results, checker->result_count, sizeof(*checker->results), compare_times);
    printf("checks=%zu wrong=%zu missing=%zu seconds=%.3f rate=%.1f p50_us=%" PRIu32
           " p99_us=%" PRIu32 " max_us=%" PRIu32 " late_us=%" PRId64 "\n",
           checker->result_count, checker->outcomes[WRONG], checker->outcomes[MISSING], seconds,
           (double)checker->outcomes[GOOD] / seconds, percentile(checker, 50),
           percentile(checker, 99), percentile(checker, 100), checker->latest_begin_us);
}

static bool parse_number(const char *text, unsigned most, unsigned *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);

    *number = (unsigned)value;
    return errno == 0 && end != text && *end == '\0' && value > 0 && value <= most;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},     {"count", required_argument, NULL, 'n'},
        {"seconds", required_argument, NULL, 's'},  {"rate", required_argument, NULL, 'r'},
        {"parallel", required_argument, NULL, 'c'}, {"modulo", required_argument, NULL, 'm'},
        {"csv", required_argument, NULL, 'o'},      {NULL, 0, NULL, 0}};
    int found;
    bool good = true;

    while (good && (found = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (found) {
        case 'p':
            good = parse_number(optarg, 65535, &options->port);
            break;
        case 'n':
            good = parse_number(optarg, 65535, &options->count);
            break;
        case 's':
            good = parse_number(optarg, 3600, &options->seconds);
            break;
        case 'r':
            good = parse_number(optarg, 1000000, &options->rate);
            break;
        case 'c':
            good = parse_number(optarg, OPEN_MAX_CHECKS, &options->parallel);
            break;
        case 'm':
            good = parse_number(optarg, 100, &options->modulo);
            break;
        case 'o':
            options->csv = optarg;
            break;
        default:
            good = false;
        }
    }
    return good && optind == argc && options->port > 0 &&
           (options->rate > 0) != (options->parallel > 0);
}

int main(int argc, char **argv)
{
    struct checker checker = {.options = {.count = 1, .seconds = 5, .modulo = 1}};

    if (!parse_options(argc, argv, &checker.options)) {
        fprintf(stderr, "Usage: leastjobs-checker --port P [--count N] [--seconds S]\n"
                        "       (--rate R | --parallel C) [--modulo M] [--csv FILE]\n");
        return EXIT_USAGE;
    }
    checker.address = (struct sockaddr_in){.sin_family = AF_INET,
                                           .sin_port = htons((in_port_t)checker.options.port)};
    checker.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    run(&checker);
    double seconds = (double)(now_us() - checker.started_us) / (double)MICROSECONDS;
    if (checker.options.csv != NULL)
        write_csv(&checker);
    print_summary(&checker, seconds);
    free(checker.results);
    return EXIT_SUCCESS;
}
