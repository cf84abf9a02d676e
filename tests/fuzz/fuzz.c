#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_broken(const char *file, int line, const char *condition, const char *text)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
    if (text != NULL)
        fprintf(stderr, "it is: %s\n", text);
    abort();
}

/* The end of a slot: the first byte of its unreadable page. */
static char *slot_end(unsigned slot)
{
    static char *ends[FUZZ_SLOTS];

    if (ends[slot] == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t size = (FUZZ_INPUT_MAX + page) / page * page;
        char *memory =
            mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        promise(memory != MAP_FAILED);
        promise(mprotect(memory + size, page, PROT_NONE) == 0);
        ends[slot] = memory + size;
    }
    return ends[slot];
}

const char *fuzz_bytes(unsigned slot, const uint8_t *data, size_t size)
{
    char *start = slot_end(slot) - size;

    promise(size <= FUZZ_INPUT_MAX);
    if (size > 0)
        memcpy(start, data, size);
    return start;
}

const char *fuzz_text(unsigned slot, const uint8_t *data, size_t size)
{
    char *start = slot_end(slot) - size - 1;

    promise(size <= FUZZ_INPUT_MAX);
    if (size > 0)
        memcpy(start, data, size);
    start[size] = '\0';
    return start;
}

bool fuzz_is_one_line(const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char *c = (const unsigned char *)text;
        if (c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0))
            return false;
    }
    return true;
}

bool fuzz_is_printable_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text >= 0x7f)
            return false;
    }
    return true;
}

struct config *fuzz_configure(const struct settings *settings, struct errors *errors)
{
    struct config *config = config_from_settings(settings, errors);

    promise((config == NULL) == (errors->count > 0));
    promise(config == NULL || config->instance_count > 0 || config_finds_instances(config));
    for (size_t i = 0; i < errors->count; i++)
        promise_of(fuzz_is_one_line(errors->errors[i]), errors->errors[i]);
    for (size_t i = 0; i < errors->warning_count; i++)
        promise_of(fuzz_is_one_line(errors->warnings[i]), errors->warnings[i]);
    return config;
}

static unsigned long count_lines(const char *text)
{
    unsigned long lines = 1;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

void fuzz_check_origins(const struct settings *settings, const char *name, const char *text)
{
    unsigned long lines = count_lines(text);
    size_t length = strlen(name);

    for (size_t i = 0; i < settings->count; i++) {
        const char *origin = settings->items[i].origin;
        promise_of(strncmp(origin, name, length) == 0, origin);
        promise_of(strncmp(origin + length, " line ", 6) == 0, origin);
        unsigned long line = strtoul(origin + length + 6, NULL, 10);
        promise_of(line >= 1 && line <= lines, origin);
    }
}
