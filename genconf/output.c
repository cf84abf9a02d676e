#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "haproxy_check.h"
#include "replace.h"
#include "xalloc.h"

#define FILE_MODE 0644

static char *temporary_name(const char *path)
{
    const char *directory = getenv("TMPDIR");

    if (path != NULL)
        return xasprintf("%s.XXXXXX", path);
    return xasprintf("%s/haproxy.cfg.XXXXXX", directory == NULL ? "/tmp" : directory);
}

static int fill_file(const char *program, int fd, const char *name, const char *bytes,
                     size_t length)
{
    int failed = !write_all(fd, bytes, length) || fchmod(fd, FILE_MODE) != 0 || fsync(fd) != 0;

    if (close(fd) != 0)
        failed = 1;
    if (failed)
        fprintf(stderr, "%s: %s can't be written: %s\n", program, name, strerror(errno));
    return failed;
}

/* Writes the file beside its place; returns its name for the caller to free, or NULL. */
static char *write_beside(const char *program, const char *path, const char *bytes, size_t length)
{
    char *name = temporary_name(path);
    int fd = mkstemp(name);

    if (fd < 0) {
        fprintf(stderr, "%s: %s can't be written: %s\n", program, name, strerror(errno));
        free(name);
        return NULL;
    }
    if (fill_file(program, fd, name, bytes, length) != 0) {
        unlink(name);
        free(name);
        return NULL;
    }
    return name;
}

static int print(const char *program, const char *bytes, size_t length)
{
    if (write_all(STDOUT_FILENO, bytes, length))
        return 0;
    fprintf(stderr, "%s: standard output can't be written: %s\n", program, strerror(errno));
    return 1;
}

int output_test(const char *program, const char *bytes, size_t length, const char *ignored)
{
    char *name = write_beside(program, NULL, bytes, length);

    if (name == NULL)
        return 1;
    bool good = haproxy_test(program, name, bytes, length, ignored);
    unlink(name);
    free(name);
    return good ? 0 : 1;
}

int output_write(const char *program, const char *path, const char *bytes, size_t length,
                 bool check)
{
    struct stat status;

    if (path != NULL && strcmp(path, "-") == 0)
        path = NULL;
    if (path != NULL && lstat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        fprintf(stderr, "%s: %s isn't a regular file\n", program, path);
        return 1;
    }
    if (path == NULL && !check)
        return print(program, bytes, length);

    char *name = write_beside(program, path, bytes, length);
    if (name == NULL)
        return 1;
    int result = check && !haproxy_check(program, name, bytes, length) ? 1 : 0;
    if (result == 0 && path == NULL) {
        result = print(program, bytes, length);
    } else if (result == 0 && rename(name, path) != 0) {
        fprintf(stderr, "%s: %s can't be written: %s\n", program, path, strerror(errno));
        result = 1;
    }
    if (result != 0 || path == NULL)
        unlink(name);
    free(name);
    return result;
}
