/*
 * The body of a health check, as each source reads it: preset_find(), check_locator(), read().
 *
 * Input: the body.
 */
#include <string.h>

#include "fuzz.h"
#include "presets.h"
#include "sources/source.h"

static const struct {
    const char *source;
    const char *locator;
} ways[] = {
    {"json", "/active_jobs,/concurrency/active_transcriptions"},
    {"json", "/0/a~1b,/a/b/0,/,/\xc3\xa4,//x"},
    {"json", "/loads/*/run+/loads/*/wait,/*/busy,/*/*"},
    {"prometheus", "vllm:num_requests_running+vllm:num_requests_waiting{engine=\"0\"},a,b{c=\"\"}"},
};

/* What the header promises of any source. */
static struct source_reading read_body(const struct source *source, const char *locator,
                                       const uint8_t *data, size_t size)
{
    struct source_reading reading = source->read(fuzz_bytes(0, data, size), size, locator);

    promise(memchr(reading.detail, '\0', sizeof(reading.detail)) != NULL);
    promise_of(fuzz_is_printable_ascii(reading.detail), reading.detail);
    if (reading.outcome == SOURCE_COUNTED) {
        promise(reading.jobs <= JOBS_MAX);
        promise_of(reading.detail[0] == '\0', reading.detail);
    } else {
        promise(reading.outcome == SOURCE_WRONG_FORM || reading.outcome == SOURCE_NO_COUNT ||
                reading.outcome == SOURCE_BAD_COUNT);
        promise(reading.jobs == 0);
        promise(reading.detail[0] != '\0');
    }
    return reading;
}

static void refuse(const struct source *source, const char *locator, const uint8_t *data,
                   size_t size)
{
    struct source_reading reading = read_body(source, locator, data, size);

    promise_of(reading.outcome == SOURCE_WRONG_FORM, reading.detail);
}

/* A pointer leads into an object or an array: without its last bracket it isn't JSON. */
static void check_cut_short(const struct source *json, const char *locator, const uint8_t *data,
                            size_t size)
{
    while (size > 0 && data[size - 1] != '}' && data[size - 1] != ']')
        size--;
    promise(size > 0);
    refuse(json, locator, data, size - 1);
}

/* Only white space may follow JSON. */
static void check_more(const struct source *json, const char *locator, const uint8_t *data,
                       size_t size, unsigned jobs)
{
    uint8_t more[FUZZ_INPUT_MAX];

    if (size == 0 || size >= sizeof(more))
        return;
    memcpy(more, data, size);
    more[size] = '\n';
    struct source_reading reading = read_body(json, locator, more, size + 1);
    promise(reading.outcome == SOURCE_COUNTED && reading.jobs == jobs);
    more[size] = '}';
    refuse(json, locator, more, size + 1);
    more[size] = '\0';
    refuse(json, locator, more, size + 1);
}

/* The last line of metrics has an end, and nothing follows "# EOF". */
static void check_last_line(const struct source *prometheus, const char *locator,
                            const uint8_t *data, size_t size)
{
    uint8_t more[FUZZ_INPUT_MAX];
    bool is_ended = size > 0 && data[size - 1] == '\n';

    if (size == 0 || size >= sizeof(more) || is_ended)
        return;
    memcpy(more, data, size);
    more[size] = 'x';
    refuse(prometheus, locator, more, size + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const struct source *source = preset_find(ways[i].source)->source;
        const char *locator = ways[i].locator;
        promise_of(source != NULL && source->check_locator(locator) == NULL, locator);
        struct source_reading reading = read_body(source, locator, data, size);
        if (reading.outcome == SOURCE_COUNTED && strcmp(source->name, "json") == 0) {
            check_cut_short(source, locator, data, size);
            check_more(source, locator, data, size, reading.jobs);
        }
        if (reading.outcome == SOURCE_COUNTED && strcmp(source->name, "prometheus") == 0)
            check_last_line(source, locator, data, size);
    }
    return 0;
}
