#include "replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xalloc.h"

bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

void write_content(int fd, int from)
{
    char buffer[4096];
    ssize_t count;
    off_t at = 0;

    while ((count = pread(from, buffer, sizeof(buffer), at)) > 0) {
        write_all(fd, buffer, (size_t)count);
        at += count;
    }
}

bool replace_file(const char *path, const char *bytes, size_t length, mode_t mode)
{
    char *name = xasprintf("%s.XXXXXX", path);
    int fd = mkstemp(name);
    bool good = fd >= 0 && write_all(fd, bytes, length) && fchmod(fd, mode) == 0;
    int problem = errno;

    if (fd >= 0) {
        close(fd);
        if (good && rename(name, path) != 0) {
            good = false;
            problem = errno;
        }
        if (!good)
            unlink(name);
    }
    free(name);
    errno = problem;
    return good;
}
