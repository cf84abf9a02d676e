#ifndef LEASTJOBS_PAGE_FILE_H
#define LEASTJOBS_PAGE_FILE_H

#include <stddef.h>

#include "builtin.h"

/*
 * The files of the fleet page (agent/page/). The agent serves them at STATUS_PORT for HAProxy's
 * ADMIN_PORT, where index.html is at / and the others are at the same paths.
 */
struct page_file {
    const char *path; /* with PAGE_PATH before it */
    const char *type; /* of Content-Type */
    const struct builtin *content;
};

#define PAGE_PATH "/page/"

/* What a browser may do with any of them: load its parts and talk to its own origin. */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
