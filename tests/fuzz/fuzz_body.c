/*
 * The body of a health check: check_result_from_body().
 *
 * Input: the body.
 */
#include <string.h>

#include "fuzz.h"
#include "instances/check_result.h"

static const char *const pointer_lists[] = {
    "/active_jobs,/concurrency/active_transcriptions",
    "/0/a~1b,/a/b/0,/,/\xc3\xa4,//x",
};

static void check_sample(const struct check_result *result)
{
    promise(memchr(result->detail, '\0', sizeof(result->detail)) != NULL);
    promise_of(fuzz_is_printable_ascii(result->detail), result->detail);
    if (result->reason == CHECK_PASSED) {
        promise(result->active_jobs <= JOBS_MAX);
        promise_of(result->detail[0] == '\0', result->detail);
    } else {
        promise(result->reason == CHECK_NOT_JSON || result->reason == CHECK_NO_JOB_COUNT ||
                result->reason == CHECK_BAD_JOB_COUNT);
        promise(result->active_jobs == 0);
        promise(result->detail[0] != '\0');
    }
}

/* A pointer leads into an object or an array: without its last bracket it isn't JSON. */
static void check_cut_short(const uint8_t *data, size_t size, const char *pointers)
{
    while (size > 0 && data[size - 1] != '}' && data[size - 1] != ']')
        size--;
    promise(size > 0);
    struct check_result result =
        check_result_from_body(fuzz_bytes(0, data, size - 1), size - 1, pointers);
    promise_of(result.reason == CHECK_NOT_JSON, check_reason_text(result.reason));
    check_sample(&result);
}

/* Only white space may follow. */
static void check_more(const uint8_t *data, size_t size, const char *pointers, unsigned jobs)
{
    uint8_t more[FUZZ_INPUT_MAX];

    if (size == 0 || size >= sizeof(more))
        return;
    memcpy(more, data, size);
    more[size] = '\n';
    struct check_result result =
        check_result_from_body(fuzz_bytes(0, more, size + 1), size + 1, pointers);
    promise(result.reason == CHECK_PASSED && result.active_jobs == jobs);
    more[size] = '}';
    result = check_result_from_body(fuzz_bytes(0, more, size + 1), size + 1, pointers);
    promise_of(result.reason == CHECK_NOT_JSON, check_reason_text(result.reason));
    more[size] = '\0';
    result = check_result_from_body(fuzz_bytes(0, more, size + 1), size + 1, pointers);
    promise_of(result.reason == CHECK_NOT_JSON, check_reason_text(result.reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof(pointer_lists) / sizeof(pointer_lists[0]); i++) {
        const char *pointers = pointer_lists[i];
        struct check_result result =
            check_result_from_body(fuzz_bytes(0, data, size), size, pointers);
        check_sample(&result);
        if (result.reason == CHECK_PASSED) {
            check_cut_short(data, size, pointers);
            check_more(data, size, pointers, result.active_jobs);
        }
    }
    return 0;
}
