#include "run/place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "names.h"
#include "replace.h"
#include "run/outcome.h"
#include "xalloc.h"

#define CONFIG_NAME "/haproxy.cfg"
#define NEW_SUFFIX ".new"
#define LAST_SUFFIX ".last"
#define PRIVATE_NAME "/defaults.conf"
#define FOLDER_MODE 0755
#define DEPTH_MAX 8

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path));
}

/* If it isn't there; what can't be had is for genconf to say. */
static void make_folder(const char *path)
{
    if (mkdir(path, FOLDER_MODE) == 0)
        log_info("leastjobs run: made the folder %s", path);
}

/* A descriptor that holds it as long as it is open; -1 after a message. */
static int take_lock(const char *socket)
{
    char *path = xasprintf("%s" OUTCOME_LOCK_SUFFIX, socket);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

    if (fd < 0) {
        log_error("leastjobs run: %s can't be written: %s: the folder of HAPROXY_SOCKET must be "
                  "there and writable; choose another with HAPROXY_SOCKET",
                  path, strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        log_error("leastjobs run: another leastjobs run has HAPROXY_SOCKET=\"%s\": stop it, or "
                  "choose another HAPROXY_SOCKET (and other ports)",
                  socket);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

/* What a genconf that was ended has left beside it, or a run that was killed in a reload. */
static void remove_leftovers(const struct place *place)
{
    char *pattern = xasprintf("%s.??????", place->new_config);
    glob_t found;

    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            unlink(found.gl_pathv[i]);
        globfree(&found);
    }
    free(pattern);
    unlink(place->last_config);
}

struct place *place_take(const struct config *config)
{
    char *folder = folder_of(config->haproxy_socket);
    struct place *place = xcalloc(1, sizeof(*place));

    make_folder(folder);
    place->socket = xstrdup(config->haproxy_socket);
    place->admin = xasprintf("%s" OPERATOR_SUFFIX, config->haproxy_socket);
    place->master = xasprintf("%s" MASTER_SUFFIX, config->haproxy_socket);
    place->config = xasprintf("%s" CONFIG_NAME, folder);
    place->new_config = xasprintf("%s" CONFIG_NAME NEW_SUFFIX, folder);
    place->last_config = xasprintf("%s" CONFIG_NAME LAST_SUFFIX, folder);
    free(folder);
    place->lock = take_lock(config->haproxy_socket);
    if (place->lock >= 0) {
        remove_leftovers(place);
        return place;
    }
    place_free(place);
    return NULL;
}

void place_free(struct place *place)
{
    if (place == NULL)
        return;
    if (place->lock >= 0) {
        remove_leftovers(place);
        close(place->lock);
    }
    free(place->socket);
    free(place->admin);
    free(place->master);
    free(place->config);
    free(place->new_config);
    free(place->last_config);
    free(place);
}

char *private_folder_make(void)
{
    char folder[] = "/tmp/leastjobs.XXXXXX";

    if (mkdtemp(folder) == NULL) {
        fprintf(stderr, "leastjobs run: %s can't be made: %s\n", folder, strerror(errno));
        return NULL;
    }
    char *file = xasprintf("%s" PRIVATE_NAME, folder);
    char *text = xasprintf("haproxy_socket = \"%s/haproxy.sock\";\n", folder);
    bool good = replace_file(file, text, strlen(text), 0644);
    free(text);
    if (good)
        return file;
    fprintf(stderr, "leastjobs run: %s can't be written: %s\n", file, strerror(errno));
    private_folder_remove(file);
    return NULL;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void private_folder_remove(char *file)
{
    if (file == NULL)
        return;
    char *folder = folder_of(file);
    nftw(folder, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
    free(folder);
    free(file);
}
