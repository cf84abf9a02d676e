#include "found.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_helper.h"
#include "loop.h"
#include "textfile.h"

#define HEAD                                                                                       \
    "# Written by leastjobs run. Instances of INSTANCES_DNS and INSTANCES_FILE: N URL ORIGIN\n"

static char socket_variable[160];
static char file_path[160];

static int set_up(void **state)
{
    loop_set_up(state);
    snprintf(socket_variable, sizeof(socket_variable), "HAPROXY_SOCKET=%s/socket", loop_folder());
    snprintf(file_path, sizeof(file_path), "%s/socket.state/instances", loop_folder());
    return 0;
}

static int tear_down(void **state)
{
    char folder[160];

    unlink(file_path);
    snprintf(folder, sizeof(folder), "%s/socket.state", loop_folder());
    rmdir(folder);
    return loop_tear_down(state);
}

static struct found_list parse(const char *text, struct errors *errors)
{
    struct found_list list = {0};
    char *bytes = exact_copy(text, strlen(text) + 1);

    found_parse(&list, bytes, strlen(text), "/state", errors);
    free(bytes);
    return list;
}

static void what_is_written_is_read_again(void **state)
{
    static const char text[] = HEAD "1 http://10.0.0.5:8000 http://workers:8000\n"
                                    "7 https://gpu.example/x /etc/list leaving 1764225196\n"
                                    "65535 http://[2001:db8::1] http://workers\n";
    struct errors errors = {0};
    struct found_list list = parse(text, &errors);

    (void)state;
    assert_no_errors(&errors);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[1].number, 7);
    assert_string_equal(list.items[1].url, "https://gpu.example/x");
    assert_string_equal(list.items[1].origin, "/etc/list");
    assert_int_equal(list.items[1].left_s, 1764225196);
    assert_int_equal(list.items[0].left_s, 0);
    char *again = found_format(&list);
    assert_string_equal(again, text);
    free(again);
    found_free(&list);
}

static void what_nobody_wrote_is_refused(void **state)
{
    static const struct {
        const char *line;
        const char *problem;
    } cases[] = {
        {"1 http://a", "expected a number, a URL and an origin"},
        {"1 http://a /l leaving", "expected a number, a URL and an origin"},
        {"1 http://a /l leaving 1 2", "expected a number, a URL and an origin"},
        {"0 http://a /l", "from 1 to 65535"},
        {"65536 http://a /l", "from 1 to 65535"},
        {"x http://a /l", "from 1 to 65535"},
        {"-1 http://a /l", "from 1 to 65535"},
        {"1 http://a /l gone 7", "expected leaving and a time"},
        {"1 http://a /l leaving 0", "expected leaving and a time"},
        {"1 http://a /l leaving x", "expected leaving and a time"},
        {"1 a /l", "isn't written as leastjobs does"},
        {"1 http://a:80 /l", "isn't written as leastjobs does"},
        {"1 ftp://a /l", "the scheme must be"},
        {"1 http://a\"b /l", "isn't allowed"},
        {"1 http://a /l\n1 http://b /l", "is there twice"},
        {"1 http://a /l\n2 http://a /l", "is there twice"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        struct found_list list = parse(cases[i].line, &errors);
        assert_case(cases[i].line, errors_have(&errors, "/state"));
        assert_case(cases[i].line, errors_have(&errors, cases[i].problem));
        found_free(&list);
        errors_free(&errors);
    }
}

static void write_text(const char *text)
{
    struct found_list list = {0};
    struct config *config = load_good((variables){"INSTANCE_1_URL=http://x", socket_variable});

    assert_true(found_write(&list, config)); /* makes the folder */
    config_free(config);
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_programs_have_them_among_the_others(void **state)
{
    (void)state;
    write_text(
        "2 http://a /list\n4 http://b /list leaving 5\n5 http://x /list\n3 http://y /list\n");
    struct config *config = load_good(
        (variables){socket_variable, "INSTANCES_FILE=/list", "INSTANCE_1_URL=http://x",
                    "INSTANCE_3_URL=http://z", "INSTANCE_2_CAPACITY=3", "INSTANCE_8_CAPACITY=9"});

    /* 5 has the URL of 1, and 3 is another's number. */
    assert_int_equal(config->instance_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(config->instances[i].number, i + 1);
    assert_string_equal(config->instances[1].url.text, "http://a");
    assert_string_equal(config->instances[2].url.text, "http://z");
    assert_true(config->instances[1].is_found && !config->instances[1].is_leaving);
    assert_int_equal(config->instances[1].capacity, 3);
    assert_false(config->instances[2].is_found);
    assert_true(config->instances[3].is_found && config->instances[3].is_leaving);
    assert_non_null(config->instances[3].preset);
    config_free(config);
}

static void without_the_variables_nobody_reads_it(void **state)
{
    (void)state;
    write_text("nonsense\n2 http://a /list\n");
    struct config *config = load_good((variables){socket_variable, "INSTANCE_1_URL=http://x"});
    assert_int_equal(config->instance_count, 1);
    config_free(config);
    /* But for those that have been found by them, and are leaving. */
    write_text("2 http://a /list\n3 http://b /list leaving 7\n");
    config = load_good((variables){socket_variable, "INSTANCE_1_URL=http://x"});
    assert_int_equal(config->instance_count, 2);
    assert_true(config->instances[1].number == 3 && config->instances[1].is_leaving);
    config_free(config);
}

static void no_instance_at_all_is_a_good_configuration(void **state)
{
    struct errors errors = {0};

    (void)state;
    struct config *config = load_good((variables){socket_variable, "INSTANCES_DNS=http://w:8000"});
    assert_int_equal(config->instance_count, 0);
    config_free(config);
    config = load((variables){socket_variable}, &errors);
    assert_null(config);
    assert_error(&errors, "At least one instance");
    errors_free(&errors);
}

static void a_file_that_nobody_understands_is_an_error(void **state)
{
    struct errors errors = {0};

    (void)state;
    write_text("nonsense\n");
    assert_null(load((variables){socket_variable, "INSTANCES_DNS=http://w:8000"}, &errors));
    assert_error(&errors, "socket.state/instances line 1: expected a number");
    errors_free(&errors);
}

static void one_that_could_not_be_read_is_not_written(void **state)
{
    struct config *config = load_good((variables){"INSTANCE_1_URL=http://x", socket_variable});
    struct found_list list = {0};
    char origin[1001];

    (void)state;
    memset(origin, 'o', 1000);
    origin[1000] = '\0';
    for (unsigned i = 1; i <= TEXTFILE_MAX / 1000; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://h%u", i);
        found_add(&list, &(struct found){.number = i, .url = url, .origin = origin});
    }
    assert_false(found_write(&list, config));
    assert_int_equal(errno, EFBIG);
    found_free(&list);
    config_free(config);
}

static void its_group_may_read_it_whatever_the_umask_is(void **state)
{
    struct config *config = load_good((variables){"INSTANCE_1_URL=http://x", socket_variable});
    struct found_list list = {0};
    struct stat status;
    mode_t before = umask(0777);

    (void)state;
    bool is_good = found_write(&list, config);
    umask(before);
    assert_true(is_good);
    assert_int_equal(stat(file_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    config_free(config);
}

#define it(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(what_is_written_is_read_again),
        it(what_nobody_wrote_is_refused),
        it(the_programs_have_them_among_the_others),
        it(without_the_variables_nobody_reads_it),
        it(no_instance_at_all_is_a_good_configuration),
        it(a_file_that_nobody_understands_is_an_error),
        it(one_that_could_not_be_read_is_not_written),
        it(its_group_may_read_it_whatever_the_umask_is),
    };

    return cmocka_run_group_tests_name("found", tests, NULL, NULL);
}
