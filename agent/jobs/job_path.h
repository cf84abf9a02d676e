#ifndef LEASTJOBS_JOB_PATH_H
#define LEASTJOBS_JOB_PATH_H

#include <stddef.h>

#include "names.h"

/*
 * What a request's target says of jobs: ROOT and ROOT/ are the list of all, ROOT/ID and all below
 * it is about one. Pure.
 */
enum job_path_kind { JOB_PATH_NONE, JOB_PATH_LIST, JOB_PATH_JOB };

struct job_path {
    enum job_path_kind kind;
    size_t root_length;           /* of the target's part that is the root */
    size_t id_end;                /* of the part up to the end of the id, still percent-encoded */
    size_t path_length;           /* of the part before the query */
    unsigned char id[JOB_ID_MAX]; /* decoded */
    size_t id_length;             /* 0: longer than that */
};

/*
 * `roots` are paths separated by commas, none with a trailing /. What an instance might resolve to
 * another path (/../ and the like, however they are percent-encoded, a backslash, a NUL) is
 * JOB_PATH_NONE, as it is to HAProxy; so is what isn't percent-encoded by RFC 3986.
 */
struct job_path job_path_parse(const char *roots, const char *target);

#endif
