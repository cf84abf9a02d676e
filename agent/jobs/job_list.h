#ifndef LEASTJOBS_JOB_LIST_H
#define LEASTJOBS_JOB_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An instance's list of its jobs, in JSON (RFC 8259), as bytes that are copied into a common list
 * without being understood: what is looked for is where its jobs are. Pure.
 *
 *   {"total_jobs": 2, "jobs": {"ID": {…}, …}}     WhisperX; `jobs` may be an array, too, and the
 *                                                 number `total`
 *   {"object": "list", "data": [{…}, …], …}       OpenAI
 *   [{…}, …]
 */
enum job_list_form {
    JOB_LIST_NONE, /* no list, or no JSON */
    JOB_LIST_MAP,
    JOB_LIST_JOBS,
    JOB_LIST_DATA,
    JOB_LIST_BARE,
};

struct job_list {
    enum job_list_form form;
    const char *jobs;         /* what is between the brackets, in the text */
    size_t length;            /* of that without the blanks around it: 0 if there are none */
    unsigned long long total; /* by the list itself, or counted */
    bool has_more;            /* OpenAI's: this is a part of it */
};

/* Values in each other. */
#define JOB_LIST_DEPTH_MAX 64

struct job_list job_list_read(const char *text, size_t length);

/*
 * What stands before and behind the jobs in the common list: each a text for the caller to free.
 * `missing` is a JSON array, or NULL if nobody is missing; a bare list has no place for it.
 */
char *job_list_head(enum job_list_form form, unsigned long long total);
char *job_list_tail(enum job_list_form form, bool has_more, const char *missing);

#endif
