#include "running/servers.h"

#include "helper.h"
#include "running/targets.h"

/* As HAProxy 2.6 answers, with fewer columns of `show stat`; one text is quoted. */
static const char answer[] =
    "1\n"
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
    "srv_iweight\n"
    "4 farm 1 again - 2 0 100 100 87 1 0 1 0 0 0 1 - 0 - 0 0 - 127.0.0.1 19777\n"
    "4 farm 3 instance20 10.0.0.2 2 8 0 100 87 6 3 3 6 22 0 0 - 8000 - 0 0 - 127.0.0.1 9777\n"
    "4 farm 2 instance3 10.0.0.1 2 0 99 100 87 6 3 3 6 22 0 0 - 8000 - 0 0 - 127.0.0.1 9777\n"
    "4 farm 4 instance21 10.0.0.3 0 1 1 100 87 6 3 3 6 22 0 0 - 8000 - 0 0 - 127.0.0.1 9777\n"
    "4 farm 5 instance22 10.0.0.4 0 0 1 100 87 6 3 3 6 22 0 0 - 8000 - 0 0 - 127.0.0.1 9777\n"
    "4 farm 6 instance23 - 0 32 1 100 87 6 3 3 6 22 0 0 - 8000 - 0 0 - 127.0.0.1 9777\n"
    "\n"
    "# pxname,svname,qcur,scur,smax,stot,last_chk,status,\n"
    "farm,again,0,0,0,0,,no check,\n"
    "farm,instance3,0,4,9,1234,\"a, \"\"quoted\"\" text\",UP,\n"
    "farm,instance20,0,1,2,5,,DRAIN (agent),\n"
    "farm,instance99,0,7,2,5,,UP,\n"
    "other,instance22,0,7,2,5,,UP,\n"
    "\n"
    "# table: jobs, type: integer, size:65536, used:3\n"
    "0x559d14450bf0: key=0 use=0 exp=2073512827 gpt0=91955754 gpc0=0 gpc1=0\n"
    "0x559d14450bf1: key=3 use=0 exp=2073512827 shard=0 gpt0=4294967280 gpc0=7 gpc1=0\n"
    "0x559d14450bf2: key=99 use=0 exp=2073512827 gpt0=1 gpc0=7 gpc1=0\n"
    "\n"
    "# table: failed, type: integer, size:65536, used:1\n"
    "0x559d14450bf0: key=20 use=0 exp=2073 gpt0=63\n"
    "\n"
    "# table: capacities, type: integer, size:65536, used:1\n"
    "0x559d14450bf0: key=3 use=0 exp=2073 gpt0=11\n"
    "\n"
    "Name: HAProxy\nNbproc: 1\nPid: 21887\nUptime_sec: 7\n"
    "\n";

static void servers_are_read_with_what_the_rules_look_at(void **state)
{
    struct servers servers;

    (void)state;
    assert_true(servers_parse(&servers, answer));
    assert_int_equal(servers.count, 5);
    assert_int_equal(servers.process, 21887);
    const struct server *first = &servers.all[0];
    assert_int_equal(first->number, 3);
    assert_true(first->is_up && !first->is_drained && !first->is_in_maintenance);
    assert_int_equal(first->weight, 99);
    assert_int_equal(first->in_flight, 4);
    assert_int_equal(first->sessions, 1234);
    assert_string_equal(first->status, "UP");
    assert_int_equal(first->accepted, 7);
    assert_int_equal(first->word, 4294967280U);
    assert_int_equal(first->penalty, 0);
    assert_int_equal(first->told_capacity, 12);
    const struct server *drained = servers_find(&servers, 20);
    assert_true(drained->is_up && drained->is_drained);
    assert_int_equal(drained->penalty, 63);
    assert_int_equal(drained->told_capacity, 1);
    assert_string_equal(drained->status, "DRAIN (agent)");
    assert_true(servers_find(&servers, 21)->is_in_maintenance);
    assert_false(servers_find(&servers, 21)->is_up);
    assert_false(servers_find(&servers, 22)->is_up);
    assert_int_equal(servers_find(&servers, 22)->in_flight, 0);
    /* A name that doesn't resolve. */
    assert_true(servers_find(&servers, 23)->is_in_maintenance);
    assert_null(servers_find(&servers, 1));
    servers_free(&servers);
}

static void what_earlier_processes_have_in_flight_is_added(void **state)
{
    static const char earlier[] =
        "1\n# be_id\n4 farm 1 instance1 - 2 0 1 1 87 1 0 1 0 0 0 1 - 0 - 0 0 - 127.0.0.1 1\n"
        "4 farm 2 instance3 - 2 0 1 1 87 1 0 1 0 0 0 1 - 0 - 0 0 - 127.0.0.1 1\n\n"
        "# pxname,svname,scur,\nfarm,instance1,5,\nfarm,instance3,2,\n\n";
    struct servers servers;
    struct servers others;

    (void)state;
    assert_true(servers_parse(&servers, answer));
    assert_true(servers_parse(&others, earlier));
    servers_add_in_flight(&servers, &others);
    assert_int_equal(servers_find(&servers, 3)->in_flight, 6);
    assert_int_equal(servers_find(&servers, 20)->in_flight, 1);
    assert_null(servers_find(&servers, 1));
    servers_free(&others);
    servers_parse(&others, "no such process\n");
    servers_add_in_flight(&servers, &others);
    assert_int_equal(servers_find(&servers, 3)->in_flight, 6);
    servers_free(&servers);
    servers_free(&others);
}

static void an_answer_that_is_cut_off_anywhere_does_no_harm(void **state)
{
    struct servers servers;

    (void)state;
    for (size_t length = 0; length < sizeof(answer); length++) {
        char *part = exact_copy(answer, length + 1);
        part[length] = '\0';
        servers_parse(&servers, part);
        servers_free(&servers);
        free(part);
    }
    assert_false(servers_parse(&servers, "Permission denied\n\n"));
    assert_null(servers_find(&servers, 1));
    servers_free(&servers);
}

static void instances_are_named_by_number_or_by_name(void **state)
{
    static const struct {
        const char *word;
        unsigned number;
    } cases[] = {{"3", 3},          {"instance3", 3}, {"65535", 65535}, {"65536", 0},
                 {"0", 0},          {"03", 0},        {"", 0},          {"instance", 0},
                 {"instance-3", 0}, {"3x", 0},        {"x3", 0},        {"99999999999999999999", 0},
                 {"Instance3", 0},  {" 3", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_case(cases[i].word, target_parse(cases[i].word) == cases[i].number);
}

static void each_is_named_once(void **state)
{
    char *words[] = {(char *)"3", (char *)"instance20", (char *)"instance3", (char *)"20"};
    unsigned numbers[COUNT(words)];
    struct servers servers;

    (void)state;
    assert_true(servers_parse(&servers, answer));
    assert_int_equal(targets_parse(numbers, words, COUNT(words), &servers, "test"), 2);
    assert_int_equal(numbers[0], 3);
    assert_int_equal(numbers[1], 20);
    servers_free(&servers);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_read_with_what_the_rules_look_at),
        cmocka_unit_test(what_earlier_processes_have_in_flight_is_added),
        cmocka_unit_test(an_answer_that_is_cut_off_anywhere_does_no_harm),
        cmocka_unit_test(instances_are_named_by_number_or_by_name),
        cmocka_unit_test(each_is_named_once),
    };

    return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
