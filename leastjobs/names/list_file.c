#include "names/list_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "log.h"
#include "run/settle.h"
#include "run/watched.h"
#include "textfile.h"
#include "xalloc.h"

struct list_file {
    char *path;
    struct watched *watched;
    struct settle settle;
    struct url_list urls;
    bool has_list; /* by the file: what was remembered is forgotten */
    bool is_bad;   /* as it is now */
    struct event *look;
    void (*changed)(void *context);
    void *context;
};

/* Adds what is wrong, with the variable before it. */
static void add_errors(struct errors *errors, const struct errors *more)
{
    for (size_t i = 0; i < more->count; i++)
        errors_add(errors, "INSTANCES_FILE=%s", more->errors[i]);
}

/* False with errors; *is_there says whether there was anything to read. */
static bool read_list(const struct list_file *file, struct url_list *urls, bool *is_there,
                      struct errors *errors)
{
    struct errors own = {0};
    struct stat status = {0};
    size_t length = 0;

    *is_there = stat(file->path, &status) == 0 || errno != ENOENT;
    if (!*is_there)
        return true;
    char *bytes = NULL;
    /* A FIFO would be waited for without end, by a process that has others to look after. */
    if (status.st_mode != 0 && !S_ISREG(status.st_mode))
        errors_add(&own, "%s: isn't a regular file", file->path);
    else
        bytes = textfile_read(file->path, &length, &own);
    if (bytes != NULL)
        url_list_parse(urls, bytes, length, file->path, &own);
    free(bytes);
    bool is_good = own.count == 0;
    add_errors(errors, &own);
    errors_free(&own);
    return is_good;
}

static void take(struct list_file *file, struct url_list *urls)
{
    url_list_free(&file->urls);
    file->urls = *urls;
    file->has_list = true;
}

static void say_missing(struct list_file *file)
{
    if (!file->is_bad)
        log_warning("INSTANCES_FILE=%s: it isn't there: %s", file->path,
                    file->has_list || file->urls.count > 0 ? "the last list stays in force"
                                                           : "no instance yet");
    file->is_bad = true;
}

static void say_bad(struct list_file *file, const struct errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        log_error("%s", errors->errors[i]);
    log_error("INSTANCES_FILE=%s: the last good list stays in force", file->path);
    file->is_bad = true;
}

static void read_again(struct list_file *file)
{
    struct url_list urls = {0};
    struct errors errors = {0};
    bool is_there = false;

    if (!read_list(file, &urls, &is_there, &errors)) {
        say_bad(file, &errors);
    } else if (!is_there) {
        say_missing(file);
    } else {
        if (file->is_bad)
            log_info("INSTANCES_FILE=%s: it is good again: %zu URL%s", file->path, urls.count,
                     urls.count == 1 ? "" : "s");
        file->is_bad = false;
        take(file, &urls);
        urls = (struct url_list){0};
        file->changed(file->context);
    }
    url_list_free(&urls);
    errors_free(&errors);
}

static void on_look(evutil_socket_t fd, short what, void *argument)
{
    struct list_file *file = argument;

    (void)fd;
    (void)what;
    if (watched_look(file->watched).any)
        settle_note_change(&file->settle, clock_ms());
    if (settle_take(&file->settle, clock_ms()))
        read_again(file);
}

struct list_file *list_file_new(struct event_base *base, const char *path,
                                void (*changed)(void *context), void *context,
                                struct errors *errors)
{
    struct list_file *file = xcalloc(1, sizeof(*file));
    const struct config_sources sources = {.env_file = path};
    struct timeval pause = clock_timeval(LIST_FILE_LOOK_MS);
    struct url_list urls = {0};
    bool is_there = false;

    file->path = xstrdup(path);
    file->changed = changed;
    file->context = context;
    file->watched = watched_new(&sources);
    file->look = xalloc_checked(event_new(base, -1, EV_PERSIST, on_look, file));
    file->is_bad = !read_list(file, &urls, &is_there, errors);
    if (file->is_bad)
        url_list_free(&urls);
    else if (is_there)
        take(file, &urls);
    else
        say_missing(file);
    event_add(file->look, &pause);
    return file;
}

void list_file_free(struct list_file *file)
{
    if (file == NULL)
        return;
    event_free(file->look);
    watched_free(file->watched);
    url_list_free(&file->urls);
    free(file->path);
    free(file);
}

const char *list_file_path(const struct list_file *file)
{
    return file->path;
}

void list_file_remember(struct list_file *file, const char *url)
{
    if (!file->has_list)
        url_list_add(&file->urls, url);
}

bool list_file_is_read(const struct list_file *file)
{
    return file->has_list;
}

const struct url_list *list_file_urls(const struct list_file *file)
{
    return &file->urls;
}
