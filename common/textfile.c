#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xalloc.h"

/* Of a pipe: errno if nobody writes to it. A writer may take its time before the first byte. */
static int wait_for_writer(FILE *file)
{
    struct pollfd pipe_end = {.fd = fileno(file), .events = POLLIN};
    unsigned char byte;

    int count = poll(&pipe_end, 1, TEXTFILE_WRITER_MS);
    if (count != 0)
        return count < 0 ? errno : 0;
    /* That there is none is the end of the file; else there is nothing yet. */
    ssize_t length = read(pipe_end.fd, &byte, 1);
    if (length == 1)
        ungetc(byte, file);
    return length == 0 ? ETIMEDOUT : 0;
}

/* For reading; NULL with errno. Opening a named pipe would wait for its writer without end. */
static FILE *open_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return NULL;
    FILE *file = xalloc_checked(fdopen(fd, "r"));
    int problem = fstat(fd, &status) == 0 ? 0 : errno;
    if (problem == 0 && S_ISFIFO(status.st_mode))
        problem = wait_for_writer(file);
    if (problem == 0 && fcntl(fd, F_SETFL, 0) != 0)
        problem = errno;
    if (problem == 0)
        return file;
    fclose(file);
    errno = problem;
    return NULL;
}

char *textfile_read(const char *path, size_t *length, struct errors *errors)
{
    FILE *file = open_file(path);

    if (file == NULL) {
        errors_add(errors, "%s: can't be read: %s", path,
                   errno == ETIMEDOUT ? "it is a pipe that nobody writes to" : strerror(errno));
        return NULL;
    }
    char *bytes = xcalloc(1, TEXTFILE_MAX + 2);
    *length = fread(bytes, 1, TEXTFILE_MAX + 1, file);
    if (ferror(file)) {
        errors_add(errors, "%s: can't be read: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else if (*length > TEXTFILE_MAX) {
        errors_add(errors, "%s: larger than %d bytes", path, TEXTFILE_MAX);
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

bool textfile_is_readable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode) && access(path, R_OK) == 0;
}
