/*
 * Locators: check_locator() and read() of each source.
 *
 * Input: the locator, a newline, the body.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"
#include "presets.h"
#include "sources/source.h"

#define LOCATOR_MAX 1024

static void check_reading(const struct source_reading *reading)
{
    promise(memchr(reading->detail, '\0', sizeof(reading->detail)) != NULL);
    promise_of(fuzz_is_printable_ascii(reading->detail), reading->detail);
    promise((reading->outcome == SOURCE_COUNTED) == (reading->detail[0] == '\0'));
    promise(reading->outcome == SOURCE_COUNTED ? reading->jobs <= JOBS_MAX : reading->jobs == 0);
}

/* As one of two, behind one that leads nowhere, it leads where it did. */
static void check_alternative(const struct source *source, const char *locator,
                              const struct source_reading *reading, const char *body, size_t length)
{
    char longer[LOCATOR_MAX + 32];
    const char *nowhere = strcmp(source->name, "json") == 0 ? "/nowhere~0~1" : "nowhere_at_all";

    snprintf(longer, sizeof(longer), "%s,%s", nowhere, locator);
    if (source->check_locator(longer) != NULL)
        return; /* one too many */
    struct source_reading again = source->read(body, length, longer);
    promise_of(again.outcome == reading->outcome && again.jobs == reading->jobs, locator);
}

static void check_source(const struct source *source, const char *locator, const char *body,
                         size_t length)
{
    if (source->check_locator(locator) != NULL)
        return;
    struct source_reading reading = source->read(body, length, locator);
    check_reading(&reading);
    check_alternative(source, locator, &reading, body, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char locator[LOCATOR_MAX];
    const uint8_t *newline = memchr(data, '\n', size);

    if (newline == NULL || (size_t)(newline - data) >= sizeof(locator))
        return 0;
    size_t length = (size_t)(newline - data);
    memcpy(locator, data, length);
    locator[length] = '\0';
    if (strlen(locator) != length)
        return 0;
    const char *body = fuzz_bytes(0, newline + 1, size - length - 1);
    check_source(preset_find("json")->source, locator, body, size - length - 1);
    check_source(preset_find("prometheus")->source, locator, body, size - length - 1);
    return 0;
}
