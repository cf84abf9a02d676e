#ifndef LEASTJOBS_PROXY_PATHS_H
#define LEASTJOBS_PROXY_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/*
 * The paths that go to the instances: those of PROXY_PATHS, a list of paths and of presets' names,
 * then those of EXTRA_PATHS, which had only paths.
 */

/* The preset of jobs: its paths take POST only, and what they are is in genconf/haproxy.cfg.in. */
#define PROXY_PATHS_WHISPERX "whisperx"
#define PROXY_PATHS_OPENAI "openai"

struct proxy_path {
    const char *text; /* the configuration's, or static */
    size_t length;
    bool is_prefix; /* all that begins with it is meant */
};

/*
 * A value of PROXY_PATHS: 1 to GRAMMAR_LIST_MAX paths and presets, separated by commas. A path is
 * as url_is_plain_path() has it; one that ends in "/" or "*" (which isn't part of it) is a prefix.
 * Returns NULL, or what is wrong, in a text that lives until the next call.
 */
const char *proxy_paths_problem(const char *value);

/* Whether the preset whisperx is among them. */
bool proxy_paths_have_jobs(const struct config *config);

/* All others, and `index` below their count. */
size_t proxy_paths_count(const struct config *config);
struct proxy_path proxy_paths_at(const struct config *config, size_t index);

#endif
