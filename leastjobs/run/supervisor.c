#include "run/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "arguments.h"
#include "log.h"
#include "names/following.h"
#include "run/example.h"
#include "run/generate.h"
#include "run/kept.h"
#include "run/master.h"
#include "run/notify.h"
#include "run/place.h"
#include "run/ports_wait.h"
#include "run/ready.h"
#include "run/reload.h"
#include "run/stop.h"
#include "siblings.h"
#include "version.h"
#include "xalloc.h"

#define WORDS_MAX 8
#define SIGNALS 6

struct supervisor {
    const struct supervisor_plan *plan;
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct place *place;
    struct following *following; /* NULL when it stops */
    struct generate *generate;   /* of the start */
    struct ports_wait *ports;    /* NULL: not yet, or no more */
    bool has_begun;              /* that was started */
    char *agent_words[WORDS_MAX];
    char *haproxy_words[WORDS_MAX];
    struct kept *agent;
    struct kept *haproxy;
    struct master *master;
    struct reload *reload;
    struct ready *ready;
    struct stop *stop;
    bool is_up; /* both have been seen working */
    int status;
};

static void fail(struct supervisor *s, int status)
{
    s->status = status;
    stop_at_once(s->stop);
}

/* --- both work */

static void on_up(void *context)
{
    struct supervisor *s = context;

    s->is_up = true;
    ready_free(s->ready);
    s->ready = NULL;
    example_show(reload_config(s->reload), s->place->config, s->plan->sample);
    notify_manager("READY=1");
    reload_start(s->reload);
}

static void on_master_ready(void *context)
{
    struct supervisor *s = context;

    if (s->is_up)
        log_info("leastjobs run: HAProxy takes jobs again");
    else if (s->ready == NULL && !stop_has_begun(s->stop))
        s->ready = ready_new(s->base, reload_config(s->reload), on_up, s);
    reload_note_ready(s->reload);
}

static void on_reloaded(void *context, bool good)
{
    const struct supervisor *s = context;

    reload_note_done(s->reload, good);
}

/* --- processes */

/* One that ends by itself before all works is a mistake, such as a port in use. */
static void judge_end(struct supervisor *s, const char *name, int status)
{
    char end[CHILD_END_MAX];

    if (s->is_up || stop_has_begun(s->stop) || !WIFEXITED(status))
        return;
    child_describe_end(status, end);
    log_error("leastjobs run: %s %s: not started; the message is above", name, end);
    fail(s, 1);
}

static void on_agent_start(void *context)
{
    (void)context;
}

static void on_agent_end(void *context, int status)
{
    judge_end(context, "the agent", status);
}

static void on_haproxy_start(void *context)
{
    struct supervisor *s = context;

    master_note_start(s->master);
}

static void on_haproxy_end(void *context, int status)
{
    struct supervisor *s = context;

    master_note_end(s->master);
    reload_note_end(s->reload);
    judge_end(s, "HAProxy", status);
}

static void start(struct supervisor *s, struct kept *kept, const char *name)
{
    int problem = stop_has_begun(s->stop) ? 0 : kept_start(kept);

    if (problem == 0)
        return;
    log_error("leastjobs run: %s can't be started: %s", name, strerror(problem));
    fail(s, 1);
}

static void on_settled(void *context);

static void on_ports(void *context, bool good)
{
    struct supervisor *s = context;

    ports_wait_free(s->ports);
    s->ports = NULL;
    if (!good) {
        fail(s, 1);
        return;
    }
    start(s, s->agent, "leastjobs-agent");
    start(s, s->haproxy, "haproxy");
}

static void on_first_generated(void *context, int status)
{
    struct supervisor *s = context;

    /* It may be too many that it was refused for, and then these are the first to go. */
    if (status == EXIT_USAGE && following_drop_leaving(s->following)) {
        log_info("leastjobs run: trying again without them");
        on_settled(s);
        return;
    }
    if (status != 0) {
        fail(s, status == EXIT_USAGE ? EXIT_USAGE : 1);
        return;
    }
    s->ports = ports_wait_new(s->base, reload_config(s->reload), on_ports, s);
}

/* Of any child, also those that others left to us. */
static void on_child(evutil_socket_t signal_number, short what, void *argument)
{
    struct supervisor *s = argument;
    pid_t pid;
    int status;

    (void)signal_number;
    (void)what;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (!kept_take(s->haproxy, pid, status) && !kept_take(s->agent, pid, status) &&
            !generate_take(s->generate, pid, status))
            reload_take(s->reload, pid, status);
    }
    stop_note_end(s->stop);
}

/* --- signals */

static void on_stop(evutil_socket_t signal_number, short what, void *argument)
{
    struct supervisor *s = argument;

    (void)what;
    if (stop_has_begun(s->stop)) {
        log_info("leastjobs run: %s again: stopping at once", strsignal((int)signal_number));
        stop_at_once(s->stop);
        return;
    }
    log_info("leastjobs run: stopping on signal %s", strsignal((int)signal_number));
    notify_manager("STOPPING=1");
    generate_cancel(s->generate);
    ports_wait_free(s->ports);
    s->ports = NULL;
    reload_stop(s->reload);
    following_free(s->following);
    s->following = NULL;
    stop_begin(s->stop, reload_config(s->reload)->stop_timeout_ms);
}

static void on_reload(evutil_socket_t signal_number, short what, void *argument)
{
    const struct supervisor *s = argument;

    (void)signal_number;
    (void)what;
    if (s->is_up && !stop_has_begun(s->stop))
        reload_now(s->reload);
}

static void on_stopped(void *context)
{
    const struct supervisor *s = context;

    event_base_loopbreak(s->base);
}

/* SIGUSR1 too: images of HAProxy's are stopped by that. */
static const struct {
    int number;
    event_callback_fn callback;
} all_signals[SIGNALS] = {{SIGCHLD, on_child}, {SIGTERM, on_stop},  {SIGINT, on_stop},
                          {SIGUSR1, on_stop},  {SIGHUP, on_reload}, {SIGUSR2, on_reload}};

static void mask_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&set, all_signals[i].number);
    sigprocmask(how, &set, NULL);
}

void supervisor_hold_signals(void)
{
    mask_signals(SIG_BLOCK);
}

static void watch_signals(struct supervisor *s)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        s->signals[i] = xalloc_checked(
            evsignal_new(s->base, all_signals[i].number, all_signals[i].callback, s));
        event_add(s->signals[i], NULL);
    }
    mask_signals(SIG_UNBLOCK);
}

/* --- wiring */

static void make_words(struct supervisor *s)
{
    s->agent_words[0] = sibling_path("leastjobs-agent");
    s->agent_words[1] = "--supervised";
    sources_add_words(s->plan->sources, s->agent_words);
    char *const haproxy[] = {"haproxy", "-W", "-S", NULL, "-f", s->place->config};
    memcpy(s->haproxy_words, haproxy, sizeof(haproxy));
    s->haproxy_words[3] = xasprintf("%s,mode,600", s->place->master);
}

static void make_parts(struct supervisor *s, struct config *config)
{
    const struct kept_plan agent = {.name = "the agent",
                                    .meanwhile = "jobs go by the last counts meanwhile",
                                    .words = s->agent_words,
                                    .started = on_agent_start,
                                    .ended = on_agent_end,
                                    .context = s};
    const struct kept_plan haproxy = {.name = "HAProxy",
                                      .meanwhile = "the jobs that it had are lost",
                                      .words = s->haproxy_words,
                                      .is_impatient = true,
                                      .started = on_haproxy_start,
                                      .ended = on_haproxy_end,
                                      .context = s};
    const struct master_events master = {
        .ready = on_master_ready, .reloaded = on_reloaded, .context = s};
    const struct generate_events first = {.ended = on_first_generated, .context = s};

    make_words(s);
    s->generate = generate_new(s->base, s->plan->sources, &first);
    s->agent = kept_new(s->base, &agent);
    s->haproxy = kept_new(s->base, &haproxy);
    s->master = master_new(s->base, s->place->master, &master);
    const struct reload_parts parts = {.base = s->base,
                                       .sources = s->plan->sources,
                                       .place = s->place,
                                       .agent = s->agent,
                                       .haproxy = s->haproxy,
                                       .master = s->master,
                                       .following = s->following};
    s->reload = reload_new(&parts, config);
    const struct stop_parts stop = {.base = s->base,
                                    .agent = s->agent,
                                    .haproxy = s->haproxy,
                                    .master = s->master,
                                    .done = on_stopped,
                                    .context = s};
    s->stop = stop_new(&stop);
}

static void free_parts(struct supervisor *s)
{
    stop_free(s->stop);
    ready_free(s->ready);
    ports_wait_free(s->ports);
    following_free(s->following);
    reload_free(s->reload);
    generate_free(s->generate);
    master_free(s->master);
    kept_free(s->haproxy);
    kept_free(s->agent);
    place_free(s->place);
    free(s->agent_words[0]);
    free(s->haproxy_words[3]);
    for (size_t i = 0; i < SIGNALS; i++)
        event_free(s->signals[i]);
    event_base_free(s->base);
}

/* What is found first is known, or nobody says it: a name may resolve later. */
static void on_settled(void *context)
{
    struct supervisor *s = context;

    int problem = generate_start(s->generate, s->place->config, false);

    s->has_begun = true;
    if (problem == 0)
        return;
    log_error("leastjobs run: leastjobs-genconf can't be started: %s", strerror(problem));
    fail(s, 1);
}

/* Before the start haproxy.cfg isn't made yet. */
static void on_found(void *context)
{
    struct supervisor *s = context;

    if (s->has_begun)
        reload_soon(s->reload);
}

static bool follow(struct supervisor *s, const struct config *config)
{
    const struct following_events events = {
        .changed = on_found, .settled = on_settled, .context = s};
    struct errors errors = {0};

    s->following = following_new(s->base, config, &events, &errors);
    errors_print(&errors, "leastjobs run", stderr);
    errors_free(&errors);
    return s->following != NULL;
}

int supervisor_run(const struct supervisor_plan *plan)
{
    struct errors errors = {0};
    struct supervisor s = {.plan = plan};
    struct config *config = config_load(plan->sources, &errors);
    int status = config == NULL ? generate_explain(plan->sources, &errors) : 0;

    errors_free(&errors);
    if (config == NULL)
        return status;
    log_set_level(config->log_level);
    s.place = place_take(config);
    if (s.place == NULL) {
        config_free(config);
        return 1;
    }
    /* Workers whose master was killed come to us: they are seen to end. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    s.base = xalloc_checked(event_base_new());
    if (!follow(&s, config)) {
        event_base_free(s.base);
        place_free(s.place);
        config_free(config);
        return EXIT_USAGE;
    }
    make_parts(&s, config);
    watch_signals(&s);
    log_info("leastjobs run " LEASTJOBS_VERSION ": %zu instances, HAPROXY_SOCKET=\"%s\"",
             config->instance_count, config->haproxy_socket);
    event_base_dispatch(s.base);
    free_parts(&s);
    return s.status;
}
