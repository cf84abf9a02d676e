#include <arpa/inet.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent_checks/listener.h"
#include "caller.h"
#include "fake_instance.h"
#include "farm_helper.h"
#include "log.h"

#define CLIENTS_MAX 3

static const char *const three[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b",
                                    "INSTANCE_7_URL=http://g", NULL};

static struct listener *listener;
static struct farm *farm;
static unsigned port;
static size_t accepted;
static size_t files_max; /* for clients; 0: no bound */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's have underscores. */

/*
 * In libevent's place of libc's: the process has no more files than that. Like the kernel's it says
 * so before it has looked whether anybody waits.
 */
int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict length, int flags)
{
    struct listener_counts counts = listener_counts(listener);
    size_t open = accepted - (size_t)(counts.answered + counts.refused + counts.evicted);

    if (files_max > 0 && open >= files_max) {
        errno = EMFILE;
        return -1;
    }
    int client = (int)syscall(SYS_accept4, fd, address.__sockaddr__, length, flags);
    accepted += client >= 0;
    return client;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static int set_up(void **state)
{
    struct check_result busy = passed(3);
    struct check_result dead = check_result_failed(CHECK_TIMED_OUT, "%s", "");
    struct moment now = at_ms(0);

    loop_set_up(state);
    log_set_level(LOG_ERROR);
    farm = farm_of(three, NULL);
    apply_check(&farm->instances[0], &busy, 3, &now);
    apply_check(&farm->instances[1], &dead, 1, &now);
    port = unused_port();
    accepted = files_max = 0;
    listener = listener_new(loop, "127.0.0.1", port, ADDRESS_ALONE, CLIENTS_MAX, farm);
    return listener == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    listener_free(listener);
    farm_free(farm);
    return loop_tear_down(state);
}

static void a_line_is_answered_by_a_line(void **state)
{
    (void)state;
    assert_heard(port, "instance1\n", "up 25%\n");
    assert_heard(port, "instance1 external\n", "up 97%\n");
    assert_heard(port, "instance1 inverse\r\n", "up 25%\n");
    assert_heard(port, "instance2\n", "down #timed out\n");
    assert_heard(port, "instance7\n", "unknown\n");
    assert_heard(port, "instance1\ninstance2\n", "up 25%\n");
    assert_int_equal(listener_counts(listener).answered, 6);
    assert_int_equal(listener_counts(listener).refused, 0);
}

static void what_is_not_understood_is_not_answered(void **state)
{
    static const char *const lines[] = {"\n", "instance3\n", "instance1 room\n",
                                        "GET / HTTP/1.1\r\n", "instance01\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++)
        assert_heard(port, lines[i], "");
    assert_int_equal(listener_counts(listener).refused, COUNT(lines));
    assert_int_equal(listener_counts(listener).answered, 0);
}

/* By a HAProxy that is being reloaded. */
static void of_who_has_just_gone_nothing_is_said(void **state)
{
    char text[512];
    FILE *heard = tmpfile();
    int before = dup(STDERR_FILENO);

    (void)state;
    assert_non_null(heard);
    dup2(fileno(heard), STDERR_FILENO);
    log_set_level(LOG_WARNING);
    listener_use(listener, farm);
    assert_heard(port, "instance3\n", "");
    loop_for(5000);
    assert_heard(port, "instance3\n", "");
    dup2(before, STDERR_FILENO);
    close(before);
    log_set_level(LOG_ERROR);
    rewind(heard);
    text[fread(text, 1, sizeof(text) - 1, heard)] = '\0';
    fclose(heard);
    assert_contains(text, "agent-check refused: no such instance");
    assert_null(strstr(strstr(text, "refused") + 1, "refused")); /* the first one wasn't said */
    assert_int_equal(listener_counts(listener).refused, 2);
}

static void a_line_may_come_in_pieces(void **state)
{
    struct caller *caller = caller_new(port, "ins");

    (void)state;
    loop_for(10);
    caller_say(caller, "tance");
    loop_for(10);
    caller_say(caller, "1");
    loop_for(10);
    assert_false(caller->is_closed);
    caller_say(caller, "\n");
    await(caller->is_closed);
    assert_string_equal(caller->heard, "up 25%\n");
    caller_free(caller);
}

static void a_line_has_an_end_of_its_own(void **state)
{
    char line[80];

    (void)state;
    memset(line, ' ', sizeof(line));
    memcpy(line, "instance1 inverse", 17);
    line[63] = '\n';
    line[64] = '\0';
    assert_int_equal(strlen(line), 64); /* AGENT_CHECK_REQUEST_MAX */
    memcpy(line, "instance1", 9);
    memset(line + 9, ' ', 47);
    memcpy(line + 56, "inverse\n", 9);
    assert_heard(port, line, "up 25%\n");
    memset(line, 'x', sizeof(line));
    line[64] = '\0';
    struct caller *caller = caller_new(port, line);
    int64_t before = clock_ms();
    await(caller->is_closed);
    assert_string_equal(caller->heard, "");
    assert_true(clock_ms() - before < LISTENER_TIMEOUT_MS / 2); /* it doesn't wait for more */
    assert_int_equal(listener_counts(listener).refused, 1);
    caller_free(caller);
}

static void who_says_nothing_is_closed_when_its_own_time_is_over(void **state)
{
    struct caller *callers[CLIENTS_MAX];

    (void)state;
    int64_t begin_ms = clock_ms();
    for (int i = 0; i < CLIENTS_MAX; i++) {
        callers[i] = caller_new(port, i == 1 ? "insta" : NULL);
        loop_for(300);
    }
    for (int i = 0; i < CLIENTS_MAX; i++) {
        await(callers[i]->is_closed);
        assert_in_range(callers[i]->closed_ms - begin_ms - 300 * i, LISTENER_TIMEOUT_MS - 1,
                        LISTENER_TIMEOUT_MS + 100);
        assert_string_equal(callers[i]->heard, "");
        caller_free(callers[i]);
    }
    assert_int_equal(listener_counts(listener).refused, CLIENTS_MAX);
    assert_int_equal(listener_counts(listener).evicted, 0);
}

static void who_has_waited_longest_makes_room(void **state)
{
    struct caller *callers[CLIENTS_MAX + 1];

    (void)state;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        callers[i] = caller_new(port, NULL);
        loop_for(10);
    }
    callers[CLIENTS_MAX] = caller_new(port, NULL);
    await(callers[0]->is_closed);
    loop_for(10);
    for (int i = 1; i <= CLIENTS_MAX; i++) {
        assert_false(callers[i]->is_closed);
        caller_say(callers[i], "instance1\n");
        await(callers[i]->is_closed);
        assert_string_equal(callers[i]->heard, "up 25%\n");
    }
    assert_int_equal(listener_counts(listener).evicted, 1);
    for (int i = 0; i <= CLIENTS_MAX; i++)
        caller_free(callers[i]);
}

/* A client that has asked before the loop turns. */
static int call(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
    return fd;
}

/* To be called when the other side has done what it does. */
static void hang_up(int fd, const char *expected)
{
    char heard[64];
    ssize_t length = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);

    assert_int_equal(length, strlen(expected));
    assert_memory_equal(heard, expected, strlen(expected));
    close(fd);
}

/* A flood of checks comes all at once: each has asked already, and none is turned away. */
static void who_has_asked_is_answered_before_it_makes_room(void **state)
{
    int callers[40];

    (void)state;
    for (size_t i = 0; i < COUNT(callers); i++)
        callers[i] = call("instance1\n");
    await(listener_counts(listener).answered == COUNT(callers));
    for (size_t i = 0; i < COUNT(callers); i++)
        hang_up(callers[i], "up 25%\n");
    assert_int_equal(listener_counts(listener).evicted, 0);
}

static void out_of_files_the_oldest_gives_its_own(void **state)
{
    struct caller *idle = caller_new(port, NULL);

    (void)state;
    loop_for(10);
    files_max = 1;
    int caller = call("");
    loop_for(100);
    assert_true(idle->is_closed);
    assert_int_equal(listener_counts(listener).evicted, 1); /* and not the one that has just come */
    assert_int_equal(send(caller, "instance1\n", 10, 0), 10);
    loop_for(100);
    hang_up(caller, "up 25%\n");
    caller_free(idle);
}

static void another_farm_answers_those_too_who_are_there_already(void **state)
{
    struct caller *caller = caller_new(port, "instance7");
    struct farm *other = farm_of(three, NULL);
    struct check_result result = passed(0);
    struct moment now = at_ms(0);

    (void)state;
    apply_check(&other->instances[2], &result, 3, &now);
    loop_for(10);
    listener_use(listener, other);
    caller_say(caller, "\n");
    await(caller->is_closed);
    assert_string_equal(caller->heard, "up 100%\n");
    caller_free(caller);
    listener_use(listener, farm);
    farm_free(other);
}

static void a_port_that_is_taken_is_an_error(void **state)
{
    (void)state;
    errno = 0;
    assert_null(listener_new(loop, "127.0.0.1", port, ADDRESS_ALONE, CLIENTS_MAX, farm));
    assert_int_equal(errno, EADDRINUSE);
}

static void freed_it_closes_all(void **state)
{
    struct caller *caller = caller_new(port, "insta");

    (void)state;
    loop_for(10);
    listener_free(listener);
    listener = NULL;
    await(caller->is_closed);
    assert_string_equal(caller->heard, "");
    caller_free(caller);
    caller = caller_new(port, NULL);
    await(caller->is_closed);
    assert_true(caller->is_refused);
    caller_free(caller);
}

#define it(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(a_line_is_answered_by_a_line),
        it(what_is_not_understood_is_not_answered),
        it(of_who_has_just_gone_nothing_is_said),
        it(a_line_may_come_in_pieces),
        it(a_line_has_an_end_of_its_own),
        it(who_says_nothing_is_closed_when_its_own_time_is_over),
        it(who_has_waited_longest_makes_room),
        it(who_has_asked_is_answered_before_it_makes_room),
        it(out_of_files_the_oldest_gives_its_own),
        it(another_farm_answers_those_too_who_are_there_already),
        it(a_port_that_is_taken_is_an_error),
        it(freed_it_closes_all),
    };

    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
