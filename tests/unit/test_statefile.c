#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "statefile.h"

#define HEAD "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
#define DRAINED "4 farm 2 instance1 127.0.0.1 2 8\n"
#define READY "4 farm 2 instance1 127.0.0.1 2 0\n"

static char path[128];

static int set_up(void **state)
{
    loop_set_up(state);
    log_set_level(LOG_ERROR);
    snprintf(path, sizeof(path), "%s/socket.state", loop_folder());
    return 0;
}

static struct statefile *new_file(void)
{
    char socket[128];

    snprintf(socket, sizeof(socket), "%s/socket", loop_folder());
    return statefile_new(socket);
}

static void update(struct statefile *file, const char *lines)
{
    char answer[512];

    snprintf(answer, sizeof(answer), "\n\n%s%s\n\n\n", HEAD, lines);
    statefile_update(file, answer, strlen(answer));
}

static void assert_has(const char *expected)
{
    char text[512];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

/* Changes whenever the file is replaced. */
static ino_t file_number(void)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

static void it_has_who_is_drained(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    update(file, DRAINED);
    assert_has(HEAD DRAINED);
    update(file, READY);
    assert_has(HEAD);
    statefile_free(file);
}

static void what_the_predecessor_left_is_replaced(void **state)
{
    FILE *old = fopen(path, "w");
    struct statefile *file = new_file();

    (void)state;
    fputs("1\n", old);
    fclose(old);
    update(file, DRAINED);
    assert_has(HEAD DRAINED);
    statefile_free(file);
}

static void it_is_replaced_as_a_whole_and_only_when_it_changes(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    update(file, DRAINED);
    ino_t first = file_number();
    int reader = open(path, O_RDONLY | O_CLOEXEC); /* keeps the number from being used again */
    update(file, DRAINED);
    assert_int_equal(file_number(), first);
    update(file, READY);
    assert_true(file_number() != first);
    close(reader);
    assert_has(HEAD);
    statefile_free(file);
}

static void haproxys_group_may_read_it_whatever_the_umask_is(void **state)
{
    struct statefile *file = new_file();
    struct stat status;
    mode_t before = umask(0777);

    (void)state;
    update(file, DRAINED);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    statefile_free(file);
}

/* Someone else's link in a folder that others may write to. */
static void a_link_in_its_way_is_not_followed(void **state)
{
    struct statefile *file = new_file();
    char temporary[160], victim[160];
    struct stat status;

    (void)state;
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    snprintf(victim, sizeof(victim), "%s/victim", loop_folder());
    assert_int_equal(symlink(victim, temporary), 0);
    update(file, DRAINED);
    assert_int_not_equal(stat(victim, &status), 0);
    statefile_free(file);
}

static void a_file_that_cannot_be_written_is_tried_again(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0); /* nothing is renamed over a folder */
    update(file, DRAINED);
    assert_int_equal(rmdir(path), 0);
    update(file, DRAINED);
    assert_has(HEAD DRAINED);
    statefile_free(file);
}

#define it(function) cmocka_unit_test_setup_teardown(function, set_up, loop_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(it_has_who_is_drained),
        it(what_the_predecessor_left_is_replaced),
        it(it_is_replaced_as_a_whole_and_only_when_it_changes),
        it(haproxys_group_may_read_it_whatever_the_umask_is),
        it(a_link_in_its_way_is_not_followed),
        it(a_file_that_cannot_be_written_is_tried_again),
    };

    return cmocka_run_group_tests_name("statefile", tests, NULL, NULL);
}
