#ifndef LEASTJOBS_PRESETS_H
#define LEASTJOBS_PRESETS_H

#include <stdbool.h>
#include <stddef.h>

#include "sources/source.h"

/*
 * The one table of what servers are asked for their health and their load: the values that
 * JOBS_SOURCE may have. What it doesn't say, options do. The table of the documents is made of it
 * (tools/option_docs.c).
 */

/* What the number that a server reports is. */
enum counting {
    COUNTS_ALL,     /* all of its jobs */
    COUNTS_WAITING, /* those that wait, but not those that run: HAProxy's own are beside it */
    COUNTS_NOTHING, /* none is reported: its load is what HAProxy has open on it */
};

struct preset {
    const char *name;
    const char *server;           /* whose it is, for the documents; NULL: nobody's, a format */
    const char *health_path;      /* below an instance's URL */
    const char *load_url;         /* as in LOAD_URL; NULL: the health answer has the count */
    const struct source *source;  /* how it is read; NULL: nothing is */
    const char *locator;          /* where it is; NULL: JOBS_FIELD must say so */
    const char *capacity_locator; /* what CAPACITY_FIELD=auto means; NULL: nothing */
    enum counting counting;
    const char *hint;    /* for who finds no count there; NULL: none */
    const char *read_in; /* the document or source that this was read in */
};

#define PRESET_DEFAULT "whisperx"

extern const struct preset preset_table[];
extern const size_t preset_count;

/* By its name; NULL if there is none. */
const struct preset *preset_find(const char *name);

/* All names with commas between them. Static. */
const char *preset_names(void);

#endif
