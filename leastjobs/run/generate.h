#ifndef LEASTJOBS_GENERATE_H
#define LEASTJOBS_GENERATE_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "config.h"

/*
 * A new haproxy.cfg, without waiting for it: `leastjobs-genconf --check`, and beside it
 * `leastjobs-agent --test`, for what only the agent reads. Their messages go to standard error;
 * what both would say, once. What takes longer than GENERATE_MOST_MS (a file on a server that
 * hangs) is ended, and has failed.
 */
/* Adds the options that name the same files to a command line, an array with room for four more. */
void sources_add_words(const struct config_sources *sources, char **words);

struct generate;

#define GENERATE_MOST_MS 60000

struct generate_events {
    /*
     * 0: the configuration is good, and haproxy.cfg is at `output`. EXIT_USAGE: it is bad. Anything
     * else is a failure that may pass: a full disk, no memory; or HAProxy refuses haproxy.cfg.
     */
    void (*ended)(void *context, int status);
    void *context;
};

/* `sources` must outlive it. Nothing is started yet. */
struct generate *generate_new(struct event_base *base, const struct config_sources *sources,
                              const struct generate_events *events);
void generate_free(struct generate *generate);

/*
 * haproxy.cfg goes to `output`. With `is_again` a failure that may pass isn't said, it has been
 * already. An error number, or 0: it runs.
 */
int generate_start(struct generate *generate, const char *output, bool is_again);

/*
 * At the start, for a configuration that is bad: all that is wrong with it is genconf's to say,
 * which is waited for. `errors` are those that were found here. Returns the exit status.
 */
int generate_explain(const struct config_sources *sources, const struct errors *errors);

bool generate_is_running(const struct generate *generate);

/* Ends it: ended() isn't called. */
void generate_cancel(struct generate *generate);

/* Whether the process that has ended was of this. */
bool generate_take(struct generate *generate, pid_t pid, int status);

#endif
