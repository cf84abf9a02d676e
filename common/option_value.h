#ifndef LEASTJOBS_OPTION_VALUE_H
#define LEASTJOBS_OPTION_VALUE_H

#include "errors.h"
#include "options.h"
#include "settings.h"

struct config;

/*
 * Understands `value` as the option's type and sets its field in `config`, which must be unset: a
 * text there is the configuration's to free. Returns NULL; or what is wrong, in words that follow
 * `VARIABLE="…": `, with the field as it was. The words are static or live until the next call.
 */
const char *option_value_set(struct config *config, const struct option_info *option,
                             const char *value);

/* The same for the field itself, of the type that the option has (options.h). */
const char *option_value_set_field(void *field, const struct option_info *option,
                                   const char *value);

/* settings_reject(), but of a URL without what may be a password in it. */
void option_value_reject(struct errors *errors, const struct option_info *option,
                         const struct setting *setting, const char *problem);

/* What may be written there, for the documents: "10 ms to 1 h", "yes or no", "absolute path". */
void option_value_describe(const struct option_info *option, char *text, size_t size);
#define OPTION_VALUE_DESCRIPTION_MAX 64

#endif
