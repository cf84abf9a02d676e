#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "farm_helper.h"
#include "haproxy/statefile.h"
#include "log.h"
#include "loop.h"

#define HEAD "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"
#define SAID                                                                                       \
    "4 farm 2 instance1 127.0.0.1 2 8 0 100 17 6 3 3 6 22 0 0 - 8001 - 1 0 - 127.0.0.1 9777\n"
#define READY                                                                                      \
    "4 farm 2 instance1 127.0.0.1 2 0 0 100 17 6 3 3 6 22 0 0 - 8001 - 1 0 - 127.0.0.1 9777\n"
/* The port and the use of TLS are the configuration's, what may be left out is. */
#define DRAINED "4 farm 2 instance1 127.0.0.1 2 8 0 100 0 6 3 3 6 22 0 0 - 8000 - 0\n"

static char path[128];
static struct config *config;

static int set_up(void **state)
{
    loop_set_up(state);
    log_set_level(LOG_ERROR);
    static const char *const one[] = {"INSTANCE_1_URL=http://127.0.0.1:8000", NULL};
    config = config_of(one);
    free(config->haproxy_socket);
    assert_true(asprintf(&config->haproxy_socket, "%s/socket", loop_folder()) > 0);
    snprintf(path, sizeof(path), "%s/socket.state/servers", loop_folder());
    return 0;
}

static int tear_down(void **state)
{
    char folder[128];

    unlink(path);
    snprintf(folder, sizeof(folder), "%s/socket.state", loop_folder());
    rmdir(folder);
    config_free(config);
    return loop_tear_down(state);
}

static void make_folder(void)
{
    char folder[128];

    snprintf(folder, sizeof(folder), "%s/socket.state", loop_folder());
    assert_int_equal(mkdir(folder, 0770), 0);
}

static struct statefile *new_file(void)
{
    return statefile_new(config);
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
    update(file, SAID);
    assert_has("1\n" DRAINED);
    update(file, READY);
    assert_has("1\n");
    statefile_free(file);
}

static void what_the_predecessor_left_is_replaced(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    make_folder();
    FILE *old = fopen(path, "w");
    fputs("1\n", old);
    fclose(old);
    update(file, SAID);
    assert_has("1\n" DRAINED);
    statefile_free(file);
}

static void it_is_replaced_as_a_whole_and_only_when_it_changes(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    update(file, SAID);
    ino_t first = file_number();
    int reader = open(path, O_RDONLY | O_CLOEXEC); /* keeps the number from being used again */
    update(file, SAID);
    assert_int_equal(file_number(), first);
    update(file, READY);
    assert_true(file_number() != first);
    close(reader);
    assert_has("1\n");
    statefile_free(file);
}

static void haproxys_group_may_read_it_whatever_the_umask_is(void **state)
{
    struct statefile *file = new_file();
    struct stat status;
    mode_t before = umask(0777);

    (void)state;
    update(file, SAID);
    umask(before);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    statefile_free(file);
}

static void its_folder_is_the_whole_groups(void **state)
{
    struct statefile *file = new_file();
    struct stat status;
    char folder[128];
    mode_t before = umask(0077);

    (void)state;
    update(file, SAID);
    umask(before);
    snprintf(folder, sizeof(folder), "%s/socket.state", loop_folder());
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0770);
    statefile_free(file);
}

static void an_instance_that_is_not_configured_is_left_out(void **state)
{
    static const char *const others[] = {"INSTANCE_2_URL=http://127.0.0.1:8000", NULL};
    struct config *other = config_of(others);
    char *socket = other->haproxy_socket;

    (void)state;
    other->haproxy_socket = config->haproxy_socket;
    struct statefile *file = statefile_new(other);
    update(file, SAID);
    assert_has("1\n");
    statefile_free(file);
    other->haproxy_socket = socket;
    config_free(other);
}

static void a_file_that_cannot_be_written_is_tried_again(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    make_folder();
    assert_int_equal(mkdir(path, 0700), 0); /* nothing is renamed over a folder */
    update(file, SAID);
    assert_int_equal(rmdir(path), 0);
    update(file, SAID);
    assert_has("1\n" DRAINED);
    statefile_free(file);
}

/* Then nobody needs to make its text again, as long as no server is drained. */
static void it_is_known_to_be_empty_once_it_was_written_so(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    assert_false(statefile_is_empty(file)); /* what is there is its predecessor's */
    update(file, READY);
    assert_true(statefile_is_empty(file));
    update(file, SAID);
    assert_false(statefile_is_empty(file));
    update(file, READY);
    assert_true(statefile_is_empty(file));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    update(file, SAID);
    assert_false(statefile_is_empty(file)); /* it is to be tried again, even if for nothing */
    assert_int_equal(rmdir(path), 0);
    statefile_free(file);
}

static void write_file(const char *text)
{
    make_folder();
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

#define LINE_OF(name, admin)                                                                       \
    "4 farm 2 " name " 127.0.0.1 2 " admin " 0 100 0 6 3 3 6 22 0 0 - 8000 - 0"

static void what_it_has_can_be_recalled(void **state)
{
    static const char *const four[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b",
                                       "INSTANCE_3_URL=http://c", "INSTANCE_4_URL=http://d", NULL};
    struct farm *farm = farm_of(four, NULL);
    struct statefile *file = new_file();

    (void)state;
    /* The last line has no end. */
    write_file("1\n" LINE_OF("instance2", "8") "\nnonsense\n\n" LINE_OF(
        "instance9", "8") "\n" LINE_OF("instance3", "1") "\n" LINE_OF("instance4", "8"));
    statefile_recall(file, farm);
    assert_false(farm->instances[0].drained || farm->instances[0].maintained);
    assert_true(farm->instances[1].drained && !farm->instances[1].maintained);
    assert_true(!farm->instances[2].drained && farm->instances[2].maintained);
    assert_true(farm->instances[3].drained);
    statefile_free(file);
    farm_free(farm);
}

static void without_a_file_nobody_is_drained(void **state)
{
    static const char *const one[] = {"INSTANCE_1_URL=http://a", NULL};
    struct farm *farm = farm_of(one, NULL);
    struct statefile *file = new_file();

    (void)state;
    statefile_recall(file, farm);
    assert_false(farm_has_withdrawn(farm));
    statefile_free(file);
    farm_free(farm);
}

/* Its number may have been another one's, which was drained. */
static void of_a_found_instance_a_line_counts_that_has_its_address(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    config->instances[0].is_found = true;
    update(file, SAID);
    assert_has("1\n" DRAINED);
    update(file, "4 farm 2 instance1 127.0.0.2 2 8 0 100 17 6 3 3 6 22 0 0 - 8001 - 1 0\n");
    assert_has("1\n");
    statefile_free(file);
}

/* For the process that comes: the rules heed its weight of 0. */
static void it_has_who_is_leaving(void **state)
{
    struct statefile *file = new_file();

    (void)state;
    config->instances[0].is_found = config->instances[0].is_leaving = true;
    update(file, "4 farm 2 instance1 127.0.0.1 2 0 97 100 17 6 3 3 6 22 0 0 - 8001 - 1 0\n");
    assert_has("1\n4 farm 2 instance1 127.0.0.1 2 0 0 100 0 6 3 3 6 22 0 0 - 8000 - 0\n");
    statefile_free(file);
}

#define it(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(it_has_who_is_drained),
        it(what_the_predecessor_left_is_replaced),
        it(it_is_replaced_as_a_whole_and_only_when_it_changes),
        it(haproxys_group_may_read_it_whatever_the_umask_is),
        it(its_folder_is_the_whole_groups),
        it(an_instance_that_is_not_configured_is_left_out),
        it(a_file_that_cannot_be_written_is_tried_again),
        it(it_is_known_to_be_empty_once_it_was_written_so),
        it(what_it_has_can_be_recalled),
        it(without_a_file_nobody_is_drained),
        it(of_a_found_instance_a_line_counts_that_has_its_address),
        it(it_has_who_is_leaving),
    };

    return cmocka_run_group_tests_name("statefile", tests, NULL, NULL);
}
