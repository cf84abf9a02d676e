#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper.h"
#include "replace.h"
#include "run/watched.h"
#include "xalloc.h"

/* Real files, in a folder of their own. */
struct files {
    char folder[32];
    char *env;
    char *keys;
    struct config_sources sources;
    struct watched *watched;
};

static char *path_of(const struct files *files, const char *name)
{
    return xasprintf("%s/%s", files->folder, name);
}

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && write_all(fd, text, strlen(text)));
    close(fd);
}

static int set_up(void **state)
{
    struct files *files = xcalloc(1, sizeof(*files));

    snprintf(files->folder, sizeof(files->folder), "/tmp/watched.XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    files->env = path_of(files, "env");
    files->keys = path_of(files, "keys");
    write_text(files->env, "one");
    files->sources.env_file = files->env;
    files->watched = watched_new(&files->sources);
    *state = files;
    return 0;
}

static int tear_down(void **state)
{
    struct files *files = *state;

    watched_free(files->watched);
    unlink(files->env);
    unlink(files->keys);
    rmdir(files->folder);
    free(files->env);
    free(files->keys);
    free(files);
    return 0;
}

static bool has_changed(const struct files *files)
{
    return watched_look(files->watched).any;
}

static void every_change_is_seen_once(void **state)
{
    const struct files *files = *state;
    char *other = path_of(files, "other");

    assert_false(has_changed(files));
    write_text(files->env, "three");
    assert_true(has_changed(files));
    assert_false(has_changed(files));
    /* Of the same length and time, but another file. */
    struct stat before;
    assert_int_equal(stat(files->env, &before), 0);
    write_text(other, "seven");
    const struct timespec times[] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
    assert_int_equal(rename(other, files->env), 0);
    assert_true(has_changed(files));
    assert_int_equal(unlink(files->env), 0);
    assert_true(has_changed(files));
    assert_false(has_changed(files));
    assert_int_equal(symlink("nowhere", files->env), 0);
    assert_false(has_changed(files)); /* it still leads to nothing */
    unlink(files->env);
    write_text(files->env, "");
    assert_true(has_changed(files));
    free(other);
}

static void name_keys(const struct files *files, const char *path, bool is_in_force)
{
    struct settings settings = {0};

    if (path != NULL)
        settings_add(&settings, "API_KEYS_FILE", path, "test");
    settings_add(&settings, "HAPROXY_SOCKET", files->folder, "test");
    watched_name(files->watched, &settings, is_in_force);
    settings_free(&settings);
}

static void files_that_are_named_are_watched_too(void **state)
{
    const struct files *files = *state;

    name_keys(files, files->keys, true);
    assert_false(has_changed(files)); /* not there, and wasn't */
    write_text(files->keys, "a key");
    struct watched_change change = watched_look(files->watched);
    assert_true(change.any && change.is_named_for_haproxy);
    write_text(files->env, "three");
    change = watched_look(files->watched);
    assert_true(change.any && !change.is_named_for_haproxy);
    /* Named no more. */
    name_keys(files, NULL, true);
    write_text(files->keys, "another");
    assert_false(has_changed(files));
}

static void what_is_in_force_stays_watched_beside_what_is_bad(void **state)
{
    const struct files *files = *state;
    char *other = path_of(files, "other");

    write_text(files->keys, "a key");
    name_keys(files, files->keys, true);
    name_keys(files, other, false);
    assert_false(has_changed(files));
    write_text(files->keys, "another");
    assert_true(has_changed(files));
    write_text(other, "a key");
    assert_true(has_changed(files));
    unlink(other);
    free(other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_change_is_seen_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_that_are_named_are_watched_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_force_stays_watched_beside_what_is_bad, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("watched", tests, NULL, NULL);
}
