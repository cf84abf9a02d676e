#include "run/watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xalloc.h"

#define SOURCES_MAX 2
#define NAMED_MAX 4
#define FILES_MAX (SOURCES_MAX + NAMED_MAX)

/* A file that is written without change of length within one tick of the kernel's clock after it
 * was looked at isn't seen; but by then it has just been written, and is looked at once more. */
struct look {
    int problem; /* errno; 0: it is there */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

struct file {
    char *path; /* NULL: none */
    bool is_read_by_haproxy;
    struct look look;
};

struct watched {
    struct file files[FILES_MAX];
};

static struct look look_at(const char *path)
{
    struct look look = {0};
    struct stat status;

    if (stat(path, &status) != 0) {
        look.problem = errno;
        return look;
    }
    look.device = status.st_dev;
    look.inode = status.st_ino;
    look.size = status.st_size;
    look.modified = status.st_mtim;
    look.changed = status.st_ctim;
    return look;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same(const struct look *a, const struct look *b)
{
    return a->problem == b->problem && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && is_same_time(&a->modified, &b->modified) &&
           is_same_time(&a->changed, &b->changed);
}

/* Takes a place for a path (NULL: none), unless the path is there already. */
static void set_file(struct file *file, const char *path, bool is_read_by_haproxy)
{
    file->is_read_by_haproxy = is_read_by_haproxy;
    if (path != NULL && file->path != NULL && strcmp(path, file->path) == 0)
        return;
    free(file->path);
    file->path = path == NULL ? NULL : xstrdup(path);
    if (path != NULL)
        file->look = look_at(path);
}

struct watched *watched_new(const struct config_sources *sources)
{
    struct watched *watched = xcalloc(1, sizeof(*watched));

    set_file(&watched->files[0], sources->env_file, false);
    set_file(&watched->files[1], sources->config_file, false);
    return watched;
}

void watched_free(struct watched *watched)
{
    if (watched == NULL)
        return;
    for (size_t i = 0; i < FILES_MAX; i++)
        free(watched->files[i].path);
    free(watched);
}

void watched_name(struct watched *watched, const struct config *config)
{
    struct file *files = watched->files + SOURCES_MAX;

    if (config == NULL)
        return;
    set_file(&files[0], config->api_keys_file, true);
    set_file(&files[1], config->tls_cert_file, true);
    set_file(&files[2], config->instance_ca_file, true);
    set_file(&files[3], config->health_headers_file, false);
}

struct watched_change watched_look(struct watched *watched)
{
    struct watched_change change = {0};

    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &watched->files[i];
        if (file->path == NULL)
            continue;
        struct look now = look_at(file->path);
        if (is_same(&now, &file->look))
            continue;
        file->look = now;
        change.any = true;
        change.is_read_by_haproxy |= file->is_read_by_haproxy;
    }
    return change;
}
