#include "run/watched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "envfile_path.h"
#include "options.h"
#include "xalloc.h"

#define SOURCES 2
/* Of the options that are files. */
#define NAMED_MAX 16

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
    bool is_for_haproxy;
    struct look look;
};

struct watched {
    char *const *environment; /* that names .env files; NULL: one is named already */
    struct file sources[SOURCES];
    struct file in_force[NAMED_MAX];
    struct file last_read[NAMED_MAX];
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

/* Of NULL: none. What is watched there already stays as it was looked at last. */
static void set_file(struct file *file, const char *path, bool is_for_haproxy)
{
    file->is_for_haproxy = is_for_haproxy;
    if (path != NULL && file->path != NULL && strcmp(path, file->path) == 0)
        return;
    free(file->path);
    file->path = path == NULL ? NULL : xstrdup(path);
    if (path != NULL)
        file->look = look_at(path);
}

/* Whether the environment's .env file is another one than before. */
static bool follow_env_file(struct watched *watched)
{
    const struct config_sources sources = {.environment = watched->environment};
    struct file *file = &watched->sources[0];

    if (watched->environment == NULL)
        return false;
    char *path = envfile_path(&sources);
    bool is_other =
        path == NULL || file->path == NULL ? path != file->path : strcmp(path, file->path) != 0;
    set_file(file, path, false);
    free(path);
    return is_other;
}

struct watched *watched_new(const struct config_sources *sources)
{
    struct watched *watched = xcalloc(1, sizeof(*watched));

    set_file(&watched->sources[0], sources->env_file, false);
    watched->environment = sources->env_file == NULL ? sources->environment : NULL;
    follow_env_file(watched);
    set_file(&watched->sources[1], sources->config_file, false);
    return watched;
}

static void free_files(struct file *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(files[i].path);
}

void watched_free(struct watched *watched)
{
    if (watched == NULL)
        return;
    free_files(watched->sources, SOURCES);
    free_files(watched->in_force, NAMED_MAX);
    free_files(watched->last_read, NAMED_MAX);
    free(watched);
}

/* HAProxy's socket is one that it makes itself, the list of instances is list_file.h's matter. */
static bool is_watched(const struct option_info *option)
{
    return option->type == OPTION_FILE && strcmp(option->name, "HAPROXY_SOCKET") != 0 &&
           strcmp(option->name, "INSTANCES_FILE") != 0;
}

void watched_name(struct watched *watched, const struct settings *settings, bool is_in_force)
{
    size_t count = 0;

    for (size_t i = 0; i < option_count && count < NAMED_MAX; i++) {
        const struct option_info *option = &option_table[i];
        if (!is_watched(option))
            continue;
        const struct setting *setting = settings_find(settings, option->name);
        const char *path = setting == NULL ? NULL : setting->value;
        bool is_for_haproxy = (option->scope & OPTION_IN_HAPROXY) != 0;
        if (is_in_force)
            set_file(&watched->in_force[count], path, is_for_haproxy);
        set_file(&watched->last_read[count], path, is_for_haproxy);
        count++;
    }
}

static void look_again(struct file *files, size_t count, struct watched_change *change)
{
    for (size_t i = 0; i < count; i++) {
        struct file *file = &files[i];
        if (file->path == NULL)
            continue;
        struct look now = look_at(file->path);
        if (is_same(&now, &file->look))
            continue;
        file->look = now;
        change->any = true;
        change->is_named_for_haproxy |= file->is_for_haproxy;
    }
}

struct watched_change watched_look(struct watched *watched)
{
    struct watched_change change = {.any = follow_env_file(watched)};

    look_again(watched->sources, SOURCES, &change);
    look_again(watched->in_force, NAMED_MAX, &change);
    look_again(watched->last_read, NAMED_MAX, &change);
    return change;
}
