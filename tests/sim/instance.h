/* One simulated instance: its address, its settings, its counters and its connections. The oracle
 * is one too, with the number 0: its connections move to the instance that gets their request. */
#ifndef SIM_INSTANCE_H
#define SIM_INSTANCE_H

#include <sys/queue.h>

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "health.h"
#include "job.h"
#include "odd.h"
#include "record.h"

enum {
    INSTANCE_URL_MAX = 80,
    INSTANCE_BACKLOG = 4096,
    INSTANCE_ACCEPTS_MAX = 64,     /* in a row before others have their turn */
    INSTANCE_ACCEPT_RETRY_MS = 50, /* when file descriptors have run out */
    INSTANCE_TIME_BY_AUDIO = -2    /* as job_time_ms: the audio's length times the factor */
};

enum instance_form { INSTANCE_NESTED, INSTANCE_FLAT };

struct instance_settings {
    int64_t external_jobs; /* active, but not ours */
    int64_t job_time_ms;   /* -1: held, INSTANCE_TIME_BY_AUDIO */
    double factor;
    double speed; /* every job's time is divided by it */
    unsigned slots;
    enum instance_form form;
    struct health health;
    struct odd response; /* to transcriptions that don't ask for one */
    bool deaf;           /* doesn't notice that a client has gone: the job goes on */
};

struct instance_counters {
    uint64_t finished, aborted, requests, health_requests, connections;
};

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(async_list, async);

struct sim;

struct instance {
    struct sim *sim; /* not owned */
    unsigned number; /* from 1; 0: the oracle */
    int fd;          /* owned; bound even while not listening, so that nobody takes the address */
    bool listening;
    struct event accept_event, retry_event;
    struct sockaddr_storage address;
    socklen_t address_len;
    char url[INSTANCE_URL_MAX];
    struct instance_settings settings;
    struct instance_counters counters;
    unsigned uploading, open_connections;
    struct job_queue jobs;
    struct conn_list conns;     /* owned */
    struct async_list asyncs;   /* owned; they are in the queue as well */
    struct record_log requests; /* the records belong to the sim's store */
    struct record_log health_requests;
};

/* Listens on the address (port 0: any free one, which replaces it). False with a message on
 * stderr; instance_close() is allowed in either case. */
bool instance_open(struct instance *instance, struct sim *sim, unsigned number,
                   const struct sockaddr_storage *address, socklen_t address_len,
                   const struct instance_settings *settings);

/* Gives up all connections and jobs, forgets the records, closes the listener. */
void instance_close(struct instance *instance);

/* Stops listening: connections are refused, idle ones closed; drop: all reset. Does nothing more
 * than the closing if it doesn't listen. */
void instance_stop(struct instance *instance, bool drop);

/* Listens again on the same address. False if that failed (errno says why). */
bool instance_start(struct instance *instance);

/* Sends n further pieces (n < 0: all) of every response that is held. */
void instance_release_pieces(struct instance *instance, int64_t n);

/* Jobs as the health answer counts them: running, waiting and external. */
int64_t instance_active(const struct instance *instance);

/* The same and the requests that are being uploaded, which will be jobs. */
int64_t instance_load(const struct instance *instance);

/* Zeroes what counts up and forgets the records; what is under way stays counted. */
void instance_forget(struct instance *instance);

#endif
