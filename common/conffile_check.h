#ifndef LEASTJOBS_CONFFILE_CHECK_H
#define LEASTJOBS_CONFFILE_CHECK_H

#include <stdbool.h>

#include "errors.h"

/*
 * What libconfig does without a word, refused before it sees the text (which ends with a NUL): it
 * reads another file (@include), and cuts a number down to 32 bits. False with an error that has
 * `name` and the line.
 */
bool conffile_check(const char *text, const char *name, struct errors *errors);

#endif
