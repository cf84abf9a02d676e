#ifndef LEASTJOBS_INSTANCE_SOURCE_H
#define LEASTJOBS_INSTANCE_SOURCE_H

#include "config.h"
#include "errors.h"
#include "settings.h"

/*
 * What an instance is asked, and how its answer is read: its source (presets.h), and what options
 * say instead. Of each option the instance's own counts; then, if it has no JOBS_SOURCE of its own,
 * the one for all; then the source's. CAPACITY_FIELD=auto for all is for all, whatever their
 * source.
 */

#define LOCATOR_MAX 1024
/* Of CAPACITY_FIELD: what the source knows. */
#define CAPACITY_FIELD_AUTO "auto"

/* Checks what is said for all, and reports what doesn't fit its source. */
void instance_source_check(const struct config *config, const struct settings *settings,
                           struct errors *errors);

/*
 * Fills in what becomes of an instance's options, and reports what doesn't fit its source; then
 * something else that holds is there.
 */
void instance_source_resolve(struct instance_config *instance, const struct config *config,
                             const struct settings *settings, struct errors *errors);

/* Reports instances whose source doesn't say where the count is, and nothing else does. */
void instance_source_check_fields(const struct config *config, struct errors *errors);

/* Releases what that made. */
void instance_source_free(struct instance_config *instance);

#endif
