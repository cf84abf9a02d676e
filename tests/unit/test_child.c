#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "run/child.h"

/* What `printenv RES_OPTIONS` says as a child. */
static void say_resolver_options(bool is_impatient, char *said, size_t size)
{
    char *words[] = {(char *)"printenv", (char *)"RES_OPTIONS", NULL};
    int out = memfd_create("said", MFD_CLOEXEC);
    const struct child_options options = {.out = out, .err = -1, .is_impatient = is_impatient};
    struct child child = {.name = "printenv"};

    assert_true(out >= 0);
    assert_int_equal(child_start(&child, words, &options), 0);
    assert_int_equal(waitpid(child.pid, NULL, 0), child.pid);
    ssize_t length = pread(out, said, size - 1, 0);
    assert_true(length >= 0);
    said[length] = '\0';
    close(out);
}

static void an_impatient_child_waits_a_second_for_a_name_server(void **state)
{
    char said[100];

    (void)state;
    unsetenv("RES_OPTIONS");
    say_resolver_options(true, said, sizeof(said));
    assert_string_equal(said, "timeout:1 attempts:1\n");
    /* The next one isn't. */
    say_resolver_options(false, said, sizeof(said));
    assert_string_equal(said, "");
}

static void whoever_has_set_how_long_knows_better(void **state)
{
    char said[100];

    (void)state;
    setenv("RES_OPTIONS", "timeout:3", 1);
    say_resolver_options(true, said, sizeof(said));
    unsetenv("RES_OPTIONS");
    assert_string_equal(said, "timeout:3\n");
}

static void a_program_that_is_not_there_is_an_error_number(void **state)
{
    char *words[] = {(char *)"no-such-program", NULL};
    const struct child_options options = {.out = -1, .err = -1};
    struct child child = {.name = "nobody"};

    (void)state;
    assert_int_equal(child_start(&child, words, &options), ENOENT);
    assert_int_equal(child.pid, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_impatient_child_waits_a_second_for_a_name_server),
        cmocka_unit_test(whoever_has_set_how_long_knows_better),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_number),
    };

    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
