/* The records of requests: what arrived, as it arrived, and what became of it.
 *
 * A record is one allocation that ends with the request's head as received. While a request is
 * under way its connection holds it; while it can be asked for it is filed in a log of its
 * instance. It is freed when neither is true any more. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RECORD_LOG_MAX = 10000,      /* records kept per instance */
    RECORD_HEALTH_LOG_MAX = 100, /* health records kept per instance */
    RECORD_BAD_BYTES_MAX = 256   /* bytes kept of something that is no request */
};

/* All instances together: with a thousand of them the per-instance bound alone would allow
 * gigabytes. Beyond it the oldest records go, whichever instance they belong to. */
#define RECORD_BYTES_MAX ((size_t)256 * 1024 * 1024)

enum record_outcome { RECORD_OPEN, RECORD_ANSWERED, RECORD_ABORTED };

struct record_log;

struct record {
    TAILQ_ENTRY(record) in_log;
    TAILQ_ENTRY(record) in_all; /* only if log->listed */
    struct record_log *log;     /* NULL: not filed */
    uint64_t id;                /* ascending over the whole process */
    uint64_t connection;
    uint64_t body_bytes;
    double started, ended; /* seconds since the epoch; ended is 0 while open */
    const char *error;     /* why it is no well-formed request; static text or NULL */
    unsigned instance;
    int status; /* 0: none sent */
    enum record_outcome outcome;
    bool held;     /* by a connection */
    bool complete; /* the body arrived whole */
    bool bad;      /* not a well-formed request */
    bool headless; /* bad, and already in its head: the head can't be taken apart */
    bool hashed;   /* sha256 is valid */
    unsigned char sha256[32];
    size_t head_bytes;
    char head[]; /* as received, up to and including the empty line */
};

TAILQ_HEAD(record_list, record);

struct record_log {
    struct record_list list; /* oldest first */
    size_t count, max;
    bool listed; /* also part of the list over all instances */
};

struct record_store {
    struct record_list all; /* records of the listed logs, in the order of their ids */
    uint64_t last_id;
    size_t bytes; /* of the records in `all` */
};

void record_store_init(struct record_store *store);

/* Forgets everything in the list over all instances. */
void record_store_clear(struct record_store *store);

void record_log_init(struct record_log *log, size_t max, bool listed);
void record_log_clear(struct record_store *store, struct record_log *log);

/* A new record, held by the caller, with a copy of the head; NULL when memory is short. */
struct record *record_new(struct record_store *store, const char *head, size_t head_bytes);

/* Files a record (moving it, if it is filed already) and drops what is too old to stay. */
void record_file(struct record_store *store, struct record_log *log, struct record *record);

/* The connection is done with it. */
void record_release(struct record *record);

/* Seconds since the epoch, now. */
double record_now(void);

#endif
