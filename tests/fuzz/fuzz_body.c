/*
 * The body of a health check: sample_from_body().
 *
 * Input: the body.
 */
#include <string.h>

#include "fuzz.h"
#include "sample.h"

static const char *const pointer_lists[] = {
    "/active_jobs,/concurrency/active_transcriptions",
    "/0/a~1b,/a/b/0,/,/\xc3\xa4,//x",
};

static void check_sample(const struct sample *sample)
{
    promise(memchr(sample->detail, '\0', sizeof(sample->detail)) != NULL);
    promise_of(fuzz_is_printable_ascii(sample->detail), sample->detail);
    if (sample->reason == CHECK_PASSED) {
        promise(sample->active_jobs <= SAMPLE_JOBS_MAX);
        promise_of(sample->detail[0] == '\0', sample->detail);
    } else {
        promise(sample->reason == CHECK_NOT_JSON || sample->reason == CHECK_NO_JOB_COUNT ||
                sample->reason == CHECK_BAD_JOB_COUNT);
        promise(sample->active_jobs == 0);
        promise(sample->detail[0] != '\0');
    }
}

/* A pointer leads into an object or an array: without its last bracket it isn't JSON. */
static void check_cut_short(const uint8_t *data, size_t size, const char *pointers)
{
    while (size > 0 && data[size - 1] != '}' && data[size - 1] != ']')
        size--;
    promise(size > 0);
    struct sample sample = sample_from_body(fuzz_bytes(0, data, size - 1), size - 1, pointers);
    promise_of(sample.reason == CHECK_NOT_JSON, check_reason_text(sample.reason));
    check_sample(&sample);
}

/* Only white space may follow. */
static void check_more(const uint8_t *data, size_t size, const char *pointers, unsigned jobs)
{
    uint8_t more[FUZZ_INPUT_MAX];

    if (size == 0 || size >= sizeof(more))
        return;
    memcpy(more, data, size);
    more[size] = '\n';
    struct sample sample = sample_from_body(fuzz_bytes(0, more, size + 1), size + 1, pointers);
    promise(sample.reason == CHECK_PASSED && sample.active_jobs == jobs);
    more[size] = '}';
    sample = sample_from_body(fuzz_bytes(0, more, size + 1), size + 1, pointers);
    promise_of(sample.reason == CHECK_NOT_JSON, check_reason_text(sample.reason));
    more[size] = '\0';
    sample = sample_from_body(fuzz_bytes(0, more, size + 1), size + 1, pointers);
    promise_of(sample.reason == CHECK_NOT_JSON, check_reason_text(sample.reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof(pointer_lists) / sizeof(pointer_lists[0]); i++) {
        const char *pointers = pointer_lists[i];
        struct sample sample = sample_from_body(fuzz_bytes(0, data, size), size, pointers);
        check_sample(&sample);
        if (sample.reason == CHECK_PASSED) {
            check_cut_short(data, size, pointers);
            check_more(data, size, pointers, sample.active_jobs);
        }
    }
    return 0;
}
