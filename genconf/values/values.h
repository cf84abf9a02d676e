#ifndef LEASTJOBS_VALUES_H
#define LEASTJOBS_VALUES_H

#include "config.h"
#include "template/template.h"

/*
 * All that a template of haproxy.cfg may ask for. The configuration must live as long as the
 * result, and max_connections must be set in it; NULL is enough to compile a template.
 */
struct template_values values_of(const struct config *config);

/* What value or loop `index` is: one line for the reference. */
const char *values_help(size_t index);
const char *values_loop_help(size_t index);

#endif
