/*
 * What clients and instances say of jobs: job_path_parse(), job_list_read().
 *
 * Input: a request's target, a newline, an instance's list.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "jobs/job_list.h"
#include "jobs/job_path.h"
#include "xalloc.h"

#define ROOTS "/v1/jobs,/a"
#define MISSING "[{\"name\":\"instance1\",\"error\":\"timed out\"}]"

static void check_path(const char *target)
{
    struct job_path path = job_path_parse(ROOTS, target);

    promise_of(path.path_length == strcspn(target, "?#"), target);
    if (path.kind == JOB_PATH_NONE)
        return;
    promise_of(path.root_length == strlen("/v1/jobs") || path.root_length == strlen("/a"), target);
    promise_of(strncmp(target, "/v1/jobs", path.root_length) == 0 ||
                   strncmp(target, "/a", path.root_length) == 0,
               target);
    promise_of(memmem(target, path.path_length, "/../", 4) == NULL, target);
    if (path.kind == JOB_PATH_LIST) {
        promise_of(path.path_length <= path.root_length + 1, target);
        return;
    }
    promise_of(path.id_end > path.root_length + 1 && path.id_end <= path.path_length, target);
    promise_of(path.id_length <= JOB_ID_MAX, target);
    promise_of(path.id_end - path.root_length - 1 > JOB_ID_MAX || path.id_length > 0, target);
}

/* The jobs of a list, in the common one, are the same. */
static void check_list(const char *text, size_t length)
{
    struct job_list list = job_list_read(text, length);

    if (list.form == JOB_LIST_NONE)
        return;
    promise(list.jobs >= text && list.jobs + list.length < text + length);
    char *head = job_list_head(list.form, list.total);
    char *tail = job_list_tail(list.form, list.has_more, MISSING);
    /* JSON has no NUL. */
    char *common = xasprintf("%s%.*s%s", head, (int)list.length, list.jobs, tail);
    struct job_list again = job_list_read(common, strlen(common));
    promise(again.form == list.form && again.length == list.length);
    promise(memcmp(again.jobs, list.jobs, list.length) == 0);
    free(head);
    free(tail);
    free(common);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);
    size_t first = newline == NULL ? size : (size_t)(newline - data);

    check_path(fuzz_text(0, data, first));
    if (newline != NULL)
        check_list(fuzz_bytes(1, newline + 1, size - first - 1), size - first - 1);
    return 0;
}
