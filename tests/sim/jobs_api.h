/* What clients ask of jobs: to be given one, to see it, to have all of them listed, to delete it.
 * In the forms of two servers: WhisperX at /v1/jobs, and OpenAI's videos at another path. */
#ifndef SIM_JOBS_API_H
#define SIM_JOBS_API_H

#include <stdbool.h>
#include <stdint.h>

#include "jobs.h"
#include "slice.h"

struct conn;
struct evbuffer;
struct instance;
struct request;

#define JOBS_WHISPERX_PATH "/v1/jobs"

/* Where a request's path points. */
enum jobs_place {
    JOBS_NOWHERE, /* not to jobs */
    JOBS_ALL,     /* …/v1/jobs */
    JOBS_ONE,     /* …/v1/jobs/ID */
    JOBS_BELOW    /* …/v1/jobs/ID/MORE */
};

struct jobs_path {
    enum jobs_place place;
    bool openai;           /* at the other path */
    struct slice id, more; /* as they stand in the path */
};

/* openai_path: NULL if there is none. */
struct jobs_path jobs_path_read(struct slice path, const char *openai_path);

/* How a job is said to be taken. */
enum jobs_form {
    JOBS_SHORT,    /* {"job_id":"17","status":"queued"} */
    JOBS_WHISPERX, /* as the real server does with stored_output=true */
    JOBS_OPENAI
};

/* Whether, and how, a 202 with a header field says so instead (X-Sim-Accepted). */
enum jobs_accepted { JOBS_IN_BODY, JOBS_IN_LOCATION, JOBS_IN_OPERATION_LOCATION };

/* "location", "operation-location". False: neither. */
bool jobs_parse_accepted(struct slice value, enum jobs_accepted *accepted);

/* Gives the instance a job that takes time_us and answers; the body has arrived whole. */
void jobs_accept(struct conn *conn, enum jobs_form form, int64_t time_us);

/* Answers to requests at conn->jobs_path. */
void jobs_answer_all(struct conn *conn);
void jobs_answer_one(struct conn *conn);
void jobs_answer_delete(struct conn *conn);
void jobs_answer_below(struct conn *conn);

/* All of an instance's known jobs, in WhisperX's form or OpenAI's. */
void jobs_view(struct evbuffer *out, const struct instance *instance, bool openai);

enum { JOBS_NEW_ID_MAX = 48 };

/* An id that nobody else has: a UUID of version 4 (RFC 9562, 5.4). */
void jobs_new_id(char id[JOBS_NEW_ID_MAX]);

#endif
