#ifndef LEASTJOBS_FUZZ_H
#define LEASTJOBS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "errors.h"
#include "settings.h"

/* What the fuzz targets share. */

/* libFuzzer calls it with bytes of its making, over and over. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of some header. One that is broken ends the process, and so is a finding. */
#define promise(condition)                                                                         \
    ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition, NULL))
/* The same, with a text that shows what there was instead. */
#define promise_of(condition, text)                                                                \
    ((condition) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #condition, text))
_Noreturn void fuzz_broken(const char *file, int line, const char *condition, const char *text);

/* The longest input: -max_len is less. */
#define FUZZ_INPUT_MAX 65536
#define FUZZ_SLOTS 2

/*
 * A copy that ends where a page begins that can't be read: reading past the end faults in
 * libraries too, which the sanitizers don't see into. fuzz_text() puts a NUL there first. There
 * are FUZZ_SLOTS of them, each good until it is filled again.
 */
const char *fuzz_bytes(unsigned slot, const uint8_t *data, size_t size);
const char *fuzz_text(unsigned slot, const uint8_t *data, size_t size);

/* No control characters, those of U+0080 to U+009F too: nothing from outside may draw on a terminal
 * or forge a line. */
bool fuzz_is_one_line(const char *text);
bool fuzz_is_printable_ascii(const char *text);

/* config_from_settings(), and what it promises: a configuration or errors, each one line. */
struct config *fuzz_configure(const struct settings *settings, struct errors *errors);

/* Every origin is "NAME line N", with a line that the text has. */
void fuzz_check_origins(const struct settings *settings, const char *name, const char *text);

#endif
