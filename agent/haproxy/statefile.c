#include "haproxy/statefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "serverstate.h"
#include "xalloc.h"

struct statefile {
    const struct config *config;
    char *path;
    char *written; /* what the file has; NULL: not known */
    int problem;   /* errno of the last failure; 0: none */
};

struct statefile *statefile_new(const struct config *config)
{
    struct statefile *file = xcalloc(1, sizeof(*file));

    file->config = config;
    file->path = xasprintf("%s" STATE_FILE_SUFFIX, config->haproxy_socket);
    return file;
}

void statefile_free(struct statefile *file)
{
    if (file == NULL)
        return;
    free(file->path);
    free(file->written);
    free(file);
}

static void note_problem(struct statefile *file, int problem)
{
    if (problem != 0 && problem != file->problem)
        log_warning("%s can't be written: %s: HAProxy will forget drains and maintenance when it "
                    "is reloaded",
                    file->path, strerror(problem));
    file->problem = problem;
}

void statefile_update(struct statefile *file, const char *answer, size_t length)
{
    bool good = serverstate_replace(answer, length, file->config, &file->written);

    note_problem(file, good ? 0 : errno);
}

bool statefile_is_empty(const struct statefile *file)
{
    return file->problem == 0 && file->written != NULL &&
           strcmp(file->written, STATE_FILE_VERSION "\n") == 0;
}
