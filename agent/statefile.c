#include "statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#include "log.h"
#include "names.h"
#include "xalloc.h"

/* For HAProxy's user, which is in the same group. */
#define MODE 0640

struct statefile {
    char *path;
    char *temporary;
    char *written; /* what the file has; NULL: not known */
    int problem;   /* errno of the last failure; 0: none */
};

struct statefile *statefile_new(const char *socket_path)
{
    struct statefile *file = xcalloc(1, sizeof(*file));

    file->path = xasprintf("%s" STATE_FILE_SUFFIX, socket_path);
    file->temporary = xasprintf("%s.new", file->path);
    return file;
}

void statefile_free(struct statefile *file)
{
    if (file == NULL)
        return;
    free(file->path);
    free(file->temporary);
    free(file->written);
    free(file);
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

static bool replace(const struct statefile *file, const char *text, size_t length)
{
    int fd = open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, MODE);
    int problem;

    if (fd < 0)
        return false;
    /* The mode is for the group whatever the umask is. */
    bool good = fchmod(fd, MODE) == 0 && write_all(fd, text, length);
    problem = errno;
    close(fd);
    if (good && rename(file->temporary, file->path) == 0)
        return true;
    if (good)
        problem = errno;
    unlink(file->temporary);
    errno = problem;
    return false;
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
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);

    if (memory == NULL)
        return;
    answer_write_states(memory, answer, length);
    if (fclose(memory) != 0 || (file->written != NULL && strcmp(file->written, text) == 0)) {
        free(text);
        return;
    }
    if (!replace(file, text, size)) {
        note_problem(file, errno);
        free(text);
        return;
    }
    note_problem(file, 0);
    free(file->written);
    file->written = text;
}
