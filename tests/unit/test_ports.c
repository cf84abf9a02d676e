#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper.h"
#include "run/ports.h"

static struct config config_of(const char *address, unsigned port, const char *agents,
                               unsigned agent_port)
{
    return (struct config){.bind_address = (char *)address,
                           .port = port,
                           .admin_bind_address = (char *)"127.0.0.1",
                           .admin_port = 8404,
                           .agent_bind_address = (char *)agents,
                           .agent_port = agent_port,
                           .status_port = 9778};
}

static void which_are_new_is_a_matter_of_address_and_program(void **state)
{
    static const struct {
        const char *name;
        const char *address;
        const char *agents;
        size_t which;
        unsigned port;
        unsigned agent_port;
        enum port_trial trial;
    } cases[] = {
        {"the same", "*", "127.0.0.1", 0, 8080, 9777, PORT_HELD},
        {"another port", "*", "127.0.0.1", 0, 8081, 9777, PORT_NEW},
        {"another address", "10.1.2.3", "127.0.0.1", 0, 8080, 9777, PORT_SHARED},
        {"HAProxy's other one", "127.0.0.1", "127.0.0.1", 0, 8404, 9777, PORT_HELD},
        {"one of the agent's for HAProxy", "127.0.0.1", "127.0.0.1", 0, 9777, 9776, PORT_NEW},
        {"one of HAProxy's for the agent", "*", "127.0.0.1", 2, 8081, 8080, PORT_NEW},
        {"the agent's on another address", "*", "*", 2, 8080, 9777, PORT_HELD},
        {"the agent's other one", "*", "127.0.0.1", 2, 8080, 9778, PORT_HELD},
    };
    const struct config before = config_of("*", 8080, "127.0.0.1", 9777);
    const struct ports held = ports_of(&before);
    const struct ports none = {0};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct config config =
            config_of(cases[i].address, cases[i].port, cases[i].agents, cases[i].agent_port);
        const struct ports ports = ports_of(&config);
        const struct port *port = &ports.all[cases[i].which];
        assert_case(cases[i].name, ports_trial(&held, port) == cases[i].trial);
        assert_case(cases[i].name, ports_trial(&none, port) == PORT_NEW);
    }
}

static void each_program_takes_over_its_own(void **state)
{
    const struct config before = config_of("*", 8080, "127.0.0.1", 9777);
    const struct config after = config_of("*", 8081, "127.0.0.1", 9776);
    const struct ports wanted = ports_of(&after);
    struct ports held = ports_of(&before);

    (void)state;
    ports_hold(&held, &wanted, true);
    assert_int_equal(held.all[0].number, 8080);
    assert_int_equal(held.all[2].number, 9776);
    ports_hold(&held, &wanted, false);
    assert_int_equal(held.all[0].number, 8081);
}

/* Bound and listening on 127.0.0.1; its port in *port. */
static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* As HAProxy listens: whoever wants to share could. */
static void a_port_that_a_stranger_would_share_is_in_use(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "*", "::"};
    const struct ports none = {0};
    unsigned number;
    int fd = listen_somewhere(&number);

    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct ports wanted = {0};
        struct errors errors = {0};
        char expected[200];
        wanted.all[0] =
            (struct port){.name = "PORT", .address_name = "BIND_ADDRESS", .number = number};
        snprintf(wanted.all[0].address, sizeof(wanted.all[0].address), "%s", addresses[i]);
        assert_case(addresses[i], !ports_try(&wanted, &none, &errors));
        snprintf(expected, sizeof(expected),
                 "PORT=\"%u\" with BIND_ADDRESS=\"%s\": can't listen there: Address already in use",
                 number, addresses[i]);
        assert_case_text(addresses[i], errors.errors[0], expected);
        errors_free(&errors);
    }
    close(fd);
}

/* HAProxy that has a port on one address takes it on all. */
static void one_that_is_shared_with_itself_can_be_had(void **state)
{
    struct ports held = {0};
    struct errors errors = {0};
    unsigned number;
    int fd = listen_somewhere(&number);

    (void)state;
    held.all[0] = (struct port){.name = "PORT", .address = "127.0.0.1", .number = number};
    struct ports wanted = held;
    assert_true(ports_try(&wanted, &held, &errors));
    snprintf(wanted.all[0].address, sizeof(wanted.all[0].address), "*");
    assert_true(ports_try(&wanted, &held, &errors));
    assert_int_equal(errors.count, 0);
    close(fd);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_are_new_is_a_matter_of_address_and_program),
        cmocka_unit_test(each_program_takes_over_its_own),
        cmocka_unit_test(a_port_that_a_stranger_would_share_is_in_use),
        cmocka_unit_test(one_that_is_shared_with_itself_can_be_had),
    };

    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
