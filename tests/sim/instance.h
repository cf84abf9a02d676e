/* The simulated instances: each has its address, its settings, its counters, its connections and
 * its jobs. The oracle is one too, with the number 0: its connections move to the instance that
 * gets their request.
 *
 * Of an instance's jobs some run and the others wait in a queue, first come first served. Most
 * belong to a connection; those that were answered before they began, or whose client a deaf
 * instance doesn't see leave, belong to the instance. */
#ifndef SIM_INSTANCE_H
#define SIM_INSTANCE_H

#include <sys/queue.h>

#include <event2/event_struct.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "health.h"
#include "jobs.h"
#include "listener.h"
#include "odd.h"
#include "queue.h"
#include "record.h"
#include "report.h"

enum {
    INSTANCE_SLOTS_MAX = 1000000,
    INSTANCE_TIME_MS_MAX = 24 * 3600 * 1000, /* of a job */
    INSTANCE_TIME_BY_AUDIO = -2              /* as job_time_ms: the audio's length times factor */
};

struct instance;
struct sim;
struct evbuffer;

enum instance_form { INSTANCE_NESTED, INSTANCE_FLAT };

struct instance_settings {
    int64_t external_jobs; /* active, but not ours */
    int64_t job_time_ms;   /* -1: held, INSTANCE_TIME_BY_AUDIO */
    double factor;
    double speed; /* every job's time is divided by it */
    unsigned slots;
    enum instance_form form;
    enum kind kind;
    struct health health, load; /* how it answers when it is asked for them */
    unsigned threads;           /* with as many jobs it answers nothing else; 0: any number */
    struct odd response;        /* to transcriptions that don't ask for one */
    bool cors;                  /* answers to other origins, and preflights */
    bool deletes;               /* jobs, if it is asked to */
    bool storage;               /* for uploads and downloads */
    bool deaf;                  /* doesn't notice that a client has gone: the job goes on */
};

struct instance_counters {
    uint64_t finished, aborted, requests, health_requests, connections;
};

TAILQ_HEAD(conn_list, conn);

struct instance {
    struct sim *sim;               /* not owned */
    unsigned number;               /* from 1; 0: the oracle */
    struct listener main, metrics; /* the latter's base is NULL: there is none */
    struct event unlock_event;
    struct instance_settings settings;
    struct instance_counters counters;
    unsigned uploading, open_connections;
    struct job_queue queue;
    struct conn_list conns;     /* owned */
    struct jobs jobs;           /* its own; those that aren't over are in the queue as well */
    struct record_log requests; /* owns its records */
    struct record_log health_requests;
};

/* "nested", "flat". False: no such form. */
bool instance_parse_form(const char *name, enum instance_form *form);

/* Sets the kind and what goes with it: whisper.cpp has one thread. False: no such kind. */
bool instance_set_kind(struct instance_settings *settings, const char *name);

/* Listens on the address (port 0: any free one, which replaces it). False with a message on
 * stderr; instance_close() is allowed in either case. */
bool instance_open(struct instance *instance, struct sim *sim, unsigned number,
                   const struct sockaddr_storage *address, socklen_t address_len,
                   const struct instance_settings *settings);

/* Gives up all connections and jobs, forgets the records, closes the listener. */
void instance_close(struct instance *instance);

/* Gives it a second address, where its metrics are, if its kind has one and it has none yet. False
 * with a message on stderr. */
bool instance_need_metrics(struct instance *instance);

/* Do its jobs take all its threads? */
bool instance_is_locked(const struct instance *instance);

/* Answers the requests that wait for a thread, soon. */
void instance_unlock(struct instance *instance);

/* Stops listening: connections are refused, idle ones closed; drop: all reset. Does nothing more
 * than the closing if it doesn't listen. */
void instance_stop(struct instance *instance, bool drop);

/* Listens again on the same address. False if that failed (errno says why). */
bool instance_start(struct instance *instance);

/* As if the process had ended and begun anew: all connections are reset, all jobs given up and
 * forgotten. Whether it listens stays as it is. */
void instance_restart(struct instance *instance);

/* Sends n further pieces (n < 0: all) of every response that is held. */
void instance_release_pieces(struct instance *instance, int64_t n);

/* Jobs as the health answer counts them: running, waiting and external. */
int64_t instance_active(const struct instance *instance);

/* Zeroes what counts up and forgets the records; what is under way stays counted. */
void instance_forget(struct instance *instance);

struct evbuffer;

/* Writes its settings and counters as JSON, see README.md. */
void instance_view(struct evbuffer *out, const struct instance *instance);

/* --- all of them */

enum {
    SIM_READ_BYTES = 128 * 1024, /* one read; small enough to stay in the cache for hashing */
    SIM_RANDOM_SEED = 88172645   /* any but 0 */
};

/* What all parts of the simulator share. There is one per process; main() owns it. */
struct sim {
    struct event_base *base;    /* owned */
    SSL_CTX *tls;               /* owned; NULL: plain HTTP */
    EVP_MD *sha256;             /* owned; fetched once, fetching is slow */
    char *read_buffer;          /* owned; SIM_READ_BYTES, shared by all connections */
    struct instance *instances; /* owned; instance_count of them */
    size_t instance_count;
    struct instance *oracle;     /* owned; NULL: none */
    const char *jobs_path;       /* not owned; another one than /v1/jobs, or NULL */
    struct evbuffer *scratch;    /* owned; a body that is made up; empty between two responses */
    struct joblog *joblog;       /* owned; NULL: none */
    uint64_t random;             /* state of the generator that breaks ties, never 0 */
    struct record_store records; /* the list over all instances */
    uint64_t last_connection;    /* number of the newest connection */
    unsigned char empty_sha256[RECORD_SHA256_BYTES];
};

/* How many jobs has each instance, really? What a balancer would need to know, and is measured
 * against: the active ones and the requests that are being uploaded, which will be jobs. */

/* The listening instance with the fewest jobs; of several one at random. NULL if none listens. */
struct instance *sim_fewest(struct sim *sim);

/* Before an instance is given another job: how many jobs it has more than the one with the fewest
 * (excess), and the one with the most more than that (imbalance). Instances that don't listen
 * count only if it is the one itself. */
void sim_compare(const struct instance *instance, int64_t *excess, int64_t *imbalance);

#endif
