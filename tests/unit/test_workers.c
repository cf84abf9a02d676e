#include "helper.h"
#include "run/workers.h"

/* HAProxy 2.6.12. */
static const char processes[] =
    "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
    "21835           master          3 [failed: 0]   0d00h00m01s     2.6.12-1+deb12u4\n"
    "# workers\n"
    "21887           worker          0               0d00h00m00s     2.6.12-1+deb12u4\n"
    "# old workers\n"
    "21846           worker          1               0d00h00m01s     2.6.12-1+deb12u4\n"
    "21830           worker          3               2d00h00m01s     2.6.12-1+deb12u4\n"
    "# programs\n"
    "21899           logger          0               0d00h00m01s     -\n\n";

static void the_processes_are_read(void **state)
{
    struct workers workers;

    (void)state;
    workers_parse(&workers, processes);
    assert_int_equal(workers.master, 21835);
    assert_int_equal(workers.reloads, 3);
    assert_int_equal(workers.failed_reloads, 0);
    assert_int_equal(workers.current, 21887);
    assert_int_equal(workers.count, 3);
    assert_int_equal(workers.all[2], 21830);
}

static void a_failed_reload_is_seen(void **state)
{
    struct workers workers;

    (void)state;
    workers_parse(&workers, "7 master 5 [failed: 2] 0d00h00m01s 2.6.12\n"
                            "# workers\n# old workers\n8 worker 4 0d00h00m01s 2.6.12\n");
    assert_int_equal(workers.failed_reloads, 2);
    assert_int_equal(workers.current, 0);
    assert_int_equal(workers.count, 1);
}

static void what_is_no_answer_has_no_master(void **state)
{
    static const char *const texts[] = {
        "", "\n", "Unknown command: 'show proc'\n", "master", "-7 master 0 [failed: 0]\n", "7\n",
    };
    struct workers workers;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        workers_parse(&workers, texts[i]);
        assert_case(texts[i], workers.master == 0 && workers.current == 0 && workers.count == 0);
    }
}

static void no_more_workers_are_kept_than_there_is_room(void **state)
{
    struct workers workers;
    char text[64 * WORKERS_MAX] = "";
    size_t length = 0;

    (void)state;
    for (int i = 1; i <= 2 * WORKERS_MAX; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%d worker 0 x y\n", i);
    workers_parse(&workers, text);
    assert_int_equal(workers.count, WORKERS_MAX);
}

static void open_jobs_are_those_of_instances(void **state)
{
    static const char answer[] = "# pxname,svname,qcur,qmax,scur,smax,slim\n"
                                 "farm,again,0,0,5,9,,1,0\n"
                                 "farm,instance1,0,0,2,9,,1,0\n"
                                 "farm,instance12,0,0,40,50,,1,0\n"
                                 "owner,instance1,0,0,7,9,,1,0\n"
                                 "farm,instance3,0,0\n\n";

    (void)state;
    assert_int_equal(workers_count_jobs(answer), 42);
    assert_int_equal(workers_count_jobs(""), 0);
}

static void sessions_are_those_of_clients(void **state)
{
    static const char answer[] =
        "0x55d96e1b5a00: proto=tcpv4 src=127.0.0.1:35936 fe=balancer be=farm srv=instance1 ts=00\n"
        "0x55d96e2d37b0: proto=sockpair src=unix:2 fe=GLOBAL be=<NONE> srv=<none> ts=00 age=0s\n"
        "0x00000000000000000000000000000000000000: proto=tcpv4 src=x fe=balancer be=farm\n"
        "0x55d96e2d37ff: proto=tcpv4 src=127.0.0.1:35938 fe=balancer be=farm srv=instance1";
    char session[SESSION_MAX];

    (void)state;
    const char *rest = workers_next_session(answer, session);
    assert_non_null(rest);
    assert_string_equal(session, "0x55d96e1b5a00");
    rest = workers_next_session(rest, session);
    assert_non_null(rest);
    assert_string_equal(session, "0x55d96e2d37ff");
    assert_null(workers_next_session(rest, session));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processes_are_read),
        cmocka_unit_test(a_failed_reload_is_seen),
        cmocka_unit_test(what_is_no_answer_has_no_master),
        cmocka_unit_test(no_more_workers_are_kept_than_there_is_room),
        cmocka_unit_test(open_jobs_are_those_of_instances),
        cmocka_unit_test(sessions_are_those_of_clients),
    };

    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
