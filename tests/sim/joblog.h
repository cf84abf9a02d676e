/* The log of jobs: a CSV file with a line for every transcription that an instance was given and
 * that has run or been aborted. Buffered. */
#ifndef SIM_JOBLOG_H
#define SIM_JOBLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

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
    int64_t excess;    /* see census_compare() */
    int64_t imbalance; /* likewise */
};

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
