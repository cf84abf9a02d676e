#include "haproxy/statefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "serverstate.h"
#include "textfile.h"
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

static void recall_line(struct farm *farm, const char *text, size_t length)
{
    struct serverstate_line line = {0};

    if (!serverstate_parse(&line, text, length))
        return;
    struct instance *instance = farm_find(farm, line.number);
    if (instance == NULL)
        return;
    instance->drained = (line.admin & SERVERSTATE_DRAIN) != 0;
    instance->maintained = (line.admin & SERVERSTATE_MAINT) != 0;
}

void statefile_recall(const struct statefile *file, struct farm *farm)
{
    /* A file that isn't there is none to warn of, and of others HAProxy warns. */
    struct errors ignored = {0};
    size_t length = 0;
    char *text = textfile_read(file->path, &length, &ignored);

    for (size_t at = 0, size; text != NULL && at < length; at += size + 1) {
        const char *newline = memchr(text + at, '\n', length - at);
        size = newline == NULL ? length - at : (size_t)(newline - text) - at;
        recall_line(farm, text + at, size);
    }
    free(text);
    errors_free(&ignored);
}

bool statefile_is_empty(const struct statefile *file)
{
    return file->problem == 0 && file->written != NULL &&
           strcmp(file->written, STATE_FILE_VERSION "\n") == 0;
}
