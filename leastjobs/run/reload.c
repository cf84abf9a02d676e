#include "run/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "clock.h"
#include "errors.h"
#include "log.h"
#include "names/following.h"
#include "run/cfgfile.h"
#include "run/claims.h"
#include "run/cli.h"
#include "run/generate.h"
#include "run/notify.h"
#include "run/outcome.h"
#include "run/settle.h"
#include "run/watched.h"
#include "serverstate.h"
#include "xalloc.h"

#define LOOK_MS 250
#define LOOK_SOON_MS 50

enum stage {
    IDLE,
    GENERATING,
    SAVING,  /* what operators have said of servers */
    WAITING, /* for a master that can be told */
    RELOADING,
};

struct reload {
    struct reload_parts parts;
    struct config *config;
    struct watched *watched;
    struct settle settle;
    struct generate *generate;
    struct claims claims;
    struct event *look;
    enum stage stage;
    struct cli_question *question;
    bool is_for_haproxy; /* also if haproxy.cfg stays the same */
    bool is_bad;         /* the last one that was read */
    bool is_again;       /* it is read again after a failure that may pass */
    bool is_started;
    bool is_stopped;
    struct outcome outcome; /* for who has asked for it */
    unsigned asked;         /* what of that is being answered */
};

static void plan_look(struct reload *reload)
{
    struct timeval pause = clock_timeval(reload->settle.is_pending ? LOOK_SOON_MS : LOOK_MS);

    if (reload->is_started && !reload->is_stopped)
        event_add(reload->look, &pause);
}

static void rest(struct reload *reload)
{
    reload->stage = IDLE;
    notify_manager("READY=1");
    plan_look(reload);
}

static void end(struct reload *reload, enum outcome_result result)
{
    reload->outcome.answered = reload->asked;
    reload->outcome.result = result;
    outcome_write(reload->parts.place->lock, &reload->outcome);
    rest(reload);
}

static void begin(struct reload *reload, bool is_again)
{
    if (reload->parts.following != NULL)
        following_keep_file(reload->parts.following);
    int problem = generate_start(reload->generate, reload->parts.place->new_config, is_again);

    reload->is_again = is_again;
    reload->claims.is_refused = false;
    if (problem == 0) {
        reload->stage = GENERATING;
        reload->asked = reload->outcome.asked;
        notify_reloading();
        return;
    }
    if (!is_again)
        log_error("leastjobs run: leastjobs-genconf can't be started: %s: the configuration isn't "
                  "read yet",
                  strerror(problem));
    settle_note_failure(&reload->settle, clock_ms());
}

static void look(struct reload *reload)
{
    struct watched_change change = watched_look(reload->watched);

    reload->is_for_haproxy |= change.is_named_for_haproxy;
    if (change.any)
        settle_note_change(&reload->settle, clock_ms());
    if (claims_look(&reload->claims, clock_ms()))
        settle_note_change(&reload->settle, clock_ms());
}

static void on_look(evutil_socket_t unused, short what, void *argument)
{
    struct reload *reload = argument;

    (void)unused;
    (void)what;
    look(reload);
    if (reload->stage == IDLE && !generate_is_running(reload->generate)) {
        if (settle_take(&reload->settle, clock_ms()))
            begin(reload, false);
        else if (settle_take_retry(&reload->settle, clock_ms()))
            begin(reload, true);
    }
    plan_look(reload);
}

/* A master that can't be told yet may still read haproxy.cfg: it stays as it is until then. */
static void tell_haproxy(struct reload *reload)
{
    const struct place *place = reload->parts.place;

    if (!master_is_ready(reload->parts.master)) {
        reload->stage = WAITING;
        return;
    }
    if (!cfgfile_put(place)) {
        log_error("leastjobs run: %s can't be written: %s: HAProxy isn't reloaded", place->config,
                  strerror(errno));
        end(reload, OUTCOME_FAILED);
        return;
    }
    reload->stage = RELOADING;
    reload->is_for_haproxy = false;
    settle_note_reload(&reload->settle, clock_ms());
    kept_signal(reload->parts.haproxy, SIGUSR2);
    master_note_reload(reload->parts.master);
}

/* The agent writes that file too, but a moment later: what was said just now would be forgotten. */
static void on_servers_state(void *context, const char *answer, size_t length)
{
    struct reload *reload = context;
    char *written = NULL;

    reload->question = NULL;
    if (answer != NULL && !serverstate_replace(answer, length, reload->config, &written))
        log_warning("leastjobs run: the file of drains and maintenance can't be written: %s",
                    strerror(errno));
    free(written);
    tell_haproxy(reload);
}

static void save_servers_state(struct reload *reload)
{
    reload->stage = SAVING;
    reload->question = cli_ask(reload->parts.base, reload->parts.place->admin,
                               "show servers state farm", on_servers_state, reload);
    if (reload->question == NULL)
        tell_haproxy(reload);
}

/*
 * What genconf has just read, and found good or not, for what matters here: NULL if it is bad, also
 * because of another change in between, which will be read.
 */
static struct config *load(const struct reload *reload, bool is_good)
{
    struct errors ignored = {0};
    struct settings settings = {0};

    config_read_sources(&settings, reload->parts.sources, &ignored);
    struct config *config = config_from_settings(&settings, &ignored);
    if (config != NULL && (!is_good || ignored.count > 0)) {
        config_free(config);
        config = NULL;
    }
    watched_name(reload->watched, &settings, config != NULL);
    settings_free(&settings);
    errors_free(&ignored);
    return config;
}

static void refuse(struct reload *reload, const char *why)
{
    log_error("leastjobs run: the new configuration is %s: the old one stays in force", why);
    reload->is_bad = true;
    unlink(reload->parts.place->new_config);
    end(reload, OUTCOME_BAD);
}

/* A full disk, no memory: nobody has to change anything. */
static void postpone(struct reload *reload)
{
    if (!reload->is_again)
        log_error("leastjobs run: the new configuration can't be put in force now (why is above): "
                  "the old one stays in force, and it is tried again");
    settle_note_failure(&reload->settle, clock_ms());
    reload->is_bad = true;
    unlink(reload->parts.place->new_config);
    end(reload, OUTCOME_FAILED);
}

static void take(struct reload *reload, struct config *config)
{
    const struct place *place = reload->parts.place;

    bool is_outdated =
        reload->parts.following != NULL && following_take_config(reload->parts.following, config);

    config_free(reload->config);
    reload->config = config;
    log_set_level(config->log_level);
    if (reload->is_bad)
        log_info("leastjobs run: the configuration is good again");
    reload->is_bad = false;
    if (is_outdated) {
        unlink(place->new_config);
        rest(reload); /* who asked is answered by the one that follows */
        return;
    }
    kept_signal(reload->parts.agent, SIGHUP);
    claims_hold(&reload->claims, reload->config, true);
    if (reload->is_for_haproxy || cfgfile_is_other(place)) {
        save_servers_state(reload);
        return;
    }
    unlink(place->new_config);
    log_info("leastjobs run: the configuration was read again: nothing is new for HAProxy");
    end(reload, OUTCOME_IN_FORCE);
}

static void on_generated(void *context, int status)
{
    struct reload *reload = context;

    if (status != 0 && status != EXIT_USAGE) {
        postpone(reload);
        return;
    }
    struct config *config = load(reload, status == 0);
    look(reload);
    if (config == NULL) {
        refuse(reload, "bad");
    } else if (strcmp(config->haproxy_socket, reload->parts.place->socket) != 0) {
        config_free(config);
        refuse(reload, "one of another HAPROXY_SOCKET, which takes a stop and a start");
    } else if (!claims_try(&reload->claims, config, clock_ms())) {
        /* Before anybody is told: HAProxy or the agent alone would be left with the old ones. */
        config_free(config);
        refuse(reload, "bad as long as that is so");
    } else {
        take(reload, config);
    }
}

struct reload *reload_new(const struct reload_parts *parts, struct config *config)
{
    struct reload *reload = xcalloc(1, sizeof(*reload));
    const struct generate_events events = {.ended = on_generated, .context = reload};

    reload->parts = *parts;
    reload->config = config;
    reload->watched = watched_new(parts->sources);
    config_free(load(reload, true)); /* for the files that it names */
    claims_hold(&reload->claims, config, true);
    claims_hold(&reload->claims, config, false);
    reload->generate = generate_new(parts->base, parts->sources, &events);
    reload->look = xalloc_checked(event_new(parts->base, -1, 0, on_look, reload));
    return reload;
}

void reload_start(struct reload *reload)
{
    reload->outcome.pid = getpid();
    outcome_write(reload->parts.place->lock, &reload->outcome);
    reload->is_started = true;
    plan_look(reload);
}

void reload_stop(struct reload *reload)
{
    reload->is_stopped = true;
    event_del(reload->look);
    generate_cancel(reload->generate);
    cli_cancel(reload->question);
    reload->question = NULL;
}

void reload_free(struct reload *reload)
{
    if (reload == NULL)
        return;
    reload_stop(reload);
    event_free(reload->look);
    generate_free(reload->generate);
    watched_free(reload->watched);
    config_free(reload->config);
    free(reload);
}

void reload_soon(struct reload *reload)
{
    settle_note_change(&reload->settle, clock_ms());
    plan_look(reload);
}

void reload_now(struct reload *reload)
{
    log_info("leastjobs run: reading the configuration again");
    reload->outcome.asked++;
    outcome_write(reload->parts.place->lock, &reload->outcome);
    reload->is_for_haproxy = true;
    settle_note_change(&reload->settle, clock_ms() - SETTLE_MOST_MS);
    plan_look(reload);
}

const struct config *reload_config(const struct reload *reload)
{
    return reload->config;
}

void reload_note_ready(struct reload *reload)
{
    if (reload->is_stopped)
        return;
    if (reload->stage == WAITING)
        tell_haproxy(reload);
}

/* What it was to load may be why: not that again, without a change. */
void reload_note_end(struct reload *reload)
{
    if (reload->is_stopped || reload->stage != RELOADING)
        return;
    log_error("leastjobs run: HAProxy ended while it took the new configuration: it is started "
              "again with the old one");
    cfgfile_put_back(reload->parts.place);
    reload->is_for_haproxy = true;
    end(reload, OUTCOME_FAILED);
}

void reload_note_done(struct reload *reload, bool good)
{
    if (reload->is_stopped || reload->stage != RELOADING)
        return;
    if (good) {
        cfgfile_accept(reload->parts.place);
        claims_hold(&reload->claims, reload->config, false);
        log_info("leastjobs run: the new configuration is in force: %zu instances",
                 reload->config->instance_count);
    } else {
        log_error("leastjobs run: HAProxy can't take the new configuration (its reason is above) "
                  "and goes on with the old one");
        cfgfile_put_back(reload->parts.place);
        reload->is_for_haproxy = true; /* with the next change, whatever it is */
    }
    end(reload, good ? OUTCOME_IN_FORCE : OUTCOME_FAILED);
}

bool reload_take(struct reload *reload, pid_t pid, int status)
{
    return generate_take(reload->generate, pid, status);
}
