#ifndef LEASTJOBS_SERVERSTATE_H
#define LEASTJOBS_SERVERSTATE_H

#include <stddef.h>
#include <stdio.h>

#include "config.h"

/*
 * HAProxy's server-state-file (configuration manual, "server-state-file"; its lines are those of
 * `show servers state`, management guide): from it a starting HAProxy takes over what an operator
 * said of a server, drain or maint. It takes the port and the use of TLS from there too, whatever
 * haproxy.cfg says, so that these must be the configuration's.
 */

/* Columns of a line, as far as they are used; later ones depend on the version. */
enum serverstate_column {
    SERVERSTATE_BACKEND = 1,
    SERVERSTATE_NAME = 3,
    SERVERSTATE_ADDRESS = 4,
    SERVERSTATE_OPERATION = 5, /* SRV_ST_… of server-t.h: 0 is down */
    SERVERSTATE_ADMIN = 6,
    SERVERSTATE_WEIGHT = 7,
    SERVERSTATE_CHANGED = 9,
    SERVERSTATE_PORT = 18,
    SERVERSTATE_TLS = 20,
    SERVERSTATE_COLUMNS,
};
#define SERVERSTATE_COLUMN_MAX 256

/* SRV_ADMF_FMAINT, SRV_ADMF_FDRAIN and SRV_ADMF_IDRAIN of HAProxy's server-t.h. */
#define SERVERSTATE_MAINT 0x01U
#define SERVERSTATE_DRAIN 0x08U
#define SERVERSTATE_INHERITED_DRAIN 0x10U

/* One line of the backend farm, split. */
struct serverstate_line {
    char columns[SERVERSTATE_COLUMNS][SERVERSTATE_COLUMN_MAX];
    unsigned
        count; /* of columns, up to SERVERSTATE_COLUMNS; at least to the administrative state */
    unsigned number; /* the instance's */
    unsigned admin;  /* the bits above */
};

/* Splits a line without its newline. False if it isn't one of an instance. */
bool serverstate_parse(struct serverstate_line *line, const char *text, size_t length);

/*
 * Writes a whole file from the lines in `text` (another such file, or HAProxy's answer): those of
 * configured instances that are drained or in maintenance, or leaving (found.h), with the
 * configuration's port and TLS. Of a found instance only a line with its own address counts. Other
 * lines are passed over. Errors are the stream's.
 */
void serverstate_write(FILE *out, const char *text, size_t length, const struct config *config);

/* The file's folder, unless it is there; what fails is noticed with the file. */
void serverstate_make_folder(const struct config *config);

/*
 * Puts such a file, made from `text`, where HAProxy looks for it (names.h), with its folder if that
 * isn't there; not if `*written` (or NULL) is what it would have, else that is replaced: the
 * caller's to free(). False with errno.
 */
bool serverstate_replace(const char *text, size_t length, const struct config *config,
                         char **written);

#endif
