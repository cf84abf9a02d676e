#ifndef LEASTJOBS_RENDER_H
#define LEASTJOBS_RENDER_H

#include <stdbool.h>

#include "config.h"
#include "errors.h"
#include "template/template.h"
#include "template/text.h"

/* An empty folder that nobody can write to: the template has it. */
#define HAPROXY_CHROOT "/var/lib/haproxy"

/* The template of haproxy.cfg: the one that is built in, or a file. Zero-initialise it. */
struct rendering {
    const char *path; /* the caller's; NULL: built in */
    char *bytes;      /* owned; NULL: built in */
    struct template *template;
};

/*
 * Reads and understands the template at `path` (NULL: the one that is built in). Returns false
 * with all that is wrong with it in `errors`. render_free() releases it in both cases.
 */
bool render_load(struct rendering *rendering, const char *path, struct errors *errors);

/*
 * Appends the whole haproxy.cfg of a configuration: the same bytes for the same template and
 * configuration, without a look at the system; max_connections must be set. With the built-in
 * template it is valid for HAProxy 2.6 and later. With another one, its first line says so, and
 * what the agent would miss is a warning. Returns false with errors.
 */
bool render_config(struct text *out, const struct rendering *rendering, const struct config *config,
                   struct errors *errors);

void render_free(struct rendering *rendering);

#endif
