/* What is written down: the records of requests (what arrived, as it arrived, and what became of
 * it) and the log of jobs.
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

#include "http.h"

enum {
    RECORD_SHA256_BYTES = 32,
    RECORD_LOG_MAX = 10000,      /* records kept per instance */
    RECORD_HEALTH_LOG_MAX = 100, /* health records kept per instance */
    RECORD_BAD_BYTES_MAX = 256   /* bytes kept of something that is no request */
};

/* All instances together: with a thousand of them the per-instance bound alone would allow
 * gigabytes. Beyond it the oldest records go, whichever instance they belong to. */
#define RECORD_BYTES_MAX ((size_t)256 * 1024 * 1024)

enum record_outcome { RECORD_OPEN, RECORD_ANSWERED, RECORD_ABORTED };

/* The lists that a record can be in: its instance's log; all instances', if log->listed. */
enum record_list_kind { RECORD_IN_LOG, RECORD_IN_ALL, RECORD_LISTS };

struct record_log;

struct record {
    TAILQ_ENTRY(record) in[RECORD_LISTS];
    struct record_log *log; /* NULL: not filed */
    uint64_t id;            /* ascending over the whole process */
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
    unsigned char sha256[RECORD_SHA256_BYTES];
    size_t head_bytes;
    char head[]; /* as received, up to and including the empty line */
};

TAILQ_HEAD(record_list, record);

struct record_log {
    struct record_list list; /* by id, oldest first */
    size_t count, max;
    bool listed; /* also part of the list over all instances */
};

struct record_store {
    struct record_list all; /* the records of the listed logs, by id */
    uint64_t last_id;
    size_t bytes; /* of the records in `all` */
};

void record_store_init(struct record_store *store);

void record_log_init(struct record_log *log, size_t max, bool listed);

/* Forgets the log's records, in the store too. */
void record_log_clear(struct record_store *store, struct record_log *log);

/* A new record, held by the caller, with a copy of the head; NULL when memory is short. */
struct record *record_new(struct record_store *store, const char *head, size_t head_bytes);

/* Files a record (moving it, if it is filed already) and drops what is too old to stay. */
void record_file(struct record_store *store, struct record_log *log, struct record *record);

/* The connection is done with it. */
void record_release(struct record *record);

/* Seconds since the epoch, now. */
double record_now(void);

struct evbuffer;

/* Writes those of a list that have an id above `since` as JSON (see README.md); from RECORD_IN_ALL
 * each with its instance. Straight into the buffer: building a tree of ten thousand records first
 * would cost more memory than the records do. */
void record_view(struct evbuffer *out, const struct record_list *list, enum record_list_kind kind,
                 uint64_t since);

enum {
    JOBLOG_NAME_MAX = 64,            /* bytes of a job's name */
    JOBLOG_BUFFER_BYTES = 256 * 1024 /* written at a time */
};

/* What is known of a job before it ends. */
struct joblog_entry {
    char name[JOBLOG_NAME_MAX + 1];
    unsigned instance;
    bool async;
    double arrived;    /* the request's head, in seconds since the epoch */
    int64_t excess;    /* see sim_compare() */
    int64_t imbalance; /* likewise */
};

/* The log of jobs: a CSV file with a line for every transcription that an instance was given and
 * that has run or been aborted. Buffered. */
struct joblog;

/* Begins the file anew, with its header line. NULL with a message on stderr. */
struct joblog *joblog_open(const char *path);

/* Sets entry->name, or makes it empty if the name isn't fit for the file (or absent). */
void joblog_name(struct joblog_entry *entry, struct slice name);

/* Writes a line; started is when the job got its slot (0: never). Without a log (NULL) it does
 * nothing. */
void joblog_write(struct joblog *log, const struct joblog_entry *entry, double started,
                  const char *outcome);

/* False if anything could not be written so far. True without a log. */
bool joblog_flush(struct joblog *log);

/* Flushes, closes and frees. False with a message on stderr if anything could not be written. */
bool joblog_close(struct joblog *log);

#endif
