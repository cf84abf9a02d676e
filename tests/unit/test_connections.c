#include "connections.h"

#include "helper.h"

/*
 * What HAProxy 3.0 wants ("Cannot raise FD limit to") for one thread with "-W -S", beyond
 * connections and checks: 42, the 16 sessions of the runtime sockets, and 18 for a reload with 16
 * old workers (3 with the current one alone). HAProxy 2.6: 11 fewer.
 */
#define SEEN_OF_ITS_OWN 76

static struct config farm_of(size_t instances)
{
    return (struct config){
        .instance_count = instances, .threads = 1, .agent_host = (char *)"127.0.0.1"};
}

static void test_the_loop_has_an_eighth_of_the_clients_beyond_240(void **state)
{
    (void)state;
    assert_int_equal(connections_passes(1), 20);
    assert_int_equal(connections_passes(10), 20);
    assert_int_equal(connections_passes(400), 20);
    assert_int_equal(connections_passes(408), 21);
    assert_int_equal(connections_passes(1000), 95);
    assert_int_equal(connections_passes(8240), 1000);
    assert_int_equal(connections_passes(1000000), 1000);
}

static void test_the_spare_part_is_small(void **state)
{
    (void)state;
    assert_int_equal(connections_spare(1), 10);
    assert_int_equal(connections_spare(400), 10);
    assert_int_equal(connections_spare(1000), 25);
    assert_int_equal(connections_spare(4000), 100);
    assert_int_equal(connections_spare(1000000), 100);
}

static void test_the_sum_has_everybody_in_it(void **state)
{
    (void)state;
    struct config config = farm_of(3);

    assert_int_equal(connections_total(&config, 400),
                     400 + 10 + 20 + CONNECTIONS_LOOP_SPARE + CONNECTIONS_WATCHERS);
    config.agent_host = (char *)"agent";
    assert_int_equal(connections_relay(&config), 3);
    assert_int_equal(connections_total(&config, 400),
                     400 + 10 + 20 + CONNECTIONS_LOOP_SPARE + CONNECTIONS_WATCHERS + 3);
    config.instance_count = 1000;
    assert_int_equal(connections_relay(&config), 20);
    config.agent_host = (char *)"localhost";
    assert_int_equal(connections_relay(&config), 0);
}

static void test_haproxy_gets_the_files_that_it_counts(void **state)
{
    (void)state;
    struct config config = farm_of(1);
    unsigned long long connections = 2ULL * connections_total(&config, 100);

    assert_true(connections_files(&config, 100) >= connections + 2 + SEEN_OF_ITS_OWN);
    config.instance_count = 50;
    assert_true(connections_files(&config, 100) >= connections + 100 + SEEN_OF_ITS_OWN);
    config.threads = 4;
    assert_true(connections_files(&config, 100) >= connections + 100 + SEEN_OF_ITS_OWN + 9);
}

static void test_few_files_do_for_hundreds_of_clients(void **state)
{
    (void)state;
    struct config config = farm_of(50);

    assert_true(connections_clients(&config, 1024) >= 386);
    /* The old sum multiplied by nine. */
    config.instance_count = 3;
    assert_true(connections_clients(&config, 1024) >= 425);
    config.instance_count = 200;
    assert_true(connections_clients(&config, 1024) >= 235);
}

static void test_no_more_clients_than_files_for_them(void **state)
{
    (void)state;
    struct config config = farm_of(10);

    for (unsigned long long files = 100; files < 100000; files += 777) {
        unsigned clients = connections_clients(&config, files);
        if (clients > 0)
            assert_true(connections_files(&config, clients) <= files);
        assert_true(connections_files(&config, clients + 1) > files);
    }
    assert_int_equal(connections_clients(&config, 64), 0);
    assert_int_equal(connections_clients(&config, 100000000), 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loop_has_an_eighth_of_the_clients_beyond_240),
        cmocka_unit_test(test_the_spare_part_is_small),
        cmocka_unit_test(test_the_sum_has_everybody_in_it),
        cmocka_unit_test(test_haproxy_gets_the_files_that_it_counts),
        cmocka_unit_test(test_few_files_do_for_hundreds_of_clients),
        cmocka_unit_test(test_no_more_clients_than_files_for_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
