#include "contract.h"

#include "builtin.h"
#include "helper.h"
#include "names.h"
#include "render.h"
#include "textfile.h"
#include "version.h"
#include "xalloc.h"

/* --- The template spells out what the agent has as constants: they must not drift apart --- */

static void assert_in_template(char *text)
{
    if (memmem(builtin_haproxy_cfg_in.bytes, builtin_haproxy_cfg_in.length, text, strlen(text)) ==
        NULL)
        fail_msg("genconf/haproxy.cfg.in lacks: %s", text);
    free(text);
}

#define assert_template_has(...) assert_in_template(xasprintf(__VA_ARGS__))

/* A routing key is (room * 65536 + a random number) * 65536 + the instance's number. */
#define KEY_FIELD (INSTANCE_NUMBER_MAX + 1U)
/* The room of an instance without load, and rooms' modulus. */
#define ROOM (1U << 30)
#define ROOM_MASK (2 * ROOM - 1)
_Static_assert(ROOM / LOAD_UNIT > DRAINED_LOAD + TOLD_PENALTY_MAX + 8U * JOBS_MAX,
               "a drained instance has room left");
/*
 * With capacities, products are compared: a cost in sixteenths of a job, times the range of random
 * numbers, times another one's capacity, plus a random number. Whatever a table says, what is seen
 * there is from 0 to ROOM_MASK, and a cost is ROOM less that, and what HAProxy itself knows.
 */
#define COST_MAX (ROOM + LOAD_UNIT * (JOBS_MAX + INT64_C(1) * JOBS_PENALTY_MAX * CAPACITY_MAX + 1))
_Static_assert(COST_MAX <= (INT64_MAX - KEY_FIELD) / KEY_FIELD / CAPACITY_MAX,
               "63 bits are enough");
/* Of instances tried: their numbers with a comma before each fit HAProxy's 127 bytes. */
#define PASSES_MAX 20
_Static_assert(PASSES_MAX * sizeof("65535") < 128, "else a number would be cut off");

static void test_tables_and_servers_have_the_names_that_the_agent_asks_for(void **state)
{
    (void)state;
    assert_template_has("\nbackend %s\n", BACKEND_NAME);
    assert_template_has("\n    server %s<<number>> <<address>> check agent-check agent-send "
                        "\"%s<<number>> external\\n\"",
                        INSTANCE_PREFIX, INSTANCE_PREFIX);
    assert_template_has(" srv_conn(%s/%s<<number>>)", BACKEND_NAME, INSTANCE_PREFIX);
    assert_template_has("\nbackend %s\n    stick-table type integer size %u expire 24d store "
                        "gpc0,gpt0,gpc1\n",
                        TABLE_JOBS, INSTANCE_NUMBER_MAX + 1U);
    assert_template_has(
        "\nbackend %s\n    stick-table type integer size %u expire 10s store gpt0\n", TABLE_FAILED,
        INSTANCE_NUMBER_MAX + 1U);
    assert_template_has("\nbackend %s\n    stick-table type string len %d size 200k expire "
                        "<<job_retention>> store gpt0\n",
                        TABLE_OWNERS, OWNER_KEY_MAX);
    assert_template_has(",base64,table_gpt0(%s) if { var(txn.job) -m len 1:%d }\n", TABLE_OWNERS,
                        JOB_ID_MAX);
    assert_template_has(" track-sc2 var(txn.job),base64 table %s if ", TABLE_OWNERS);
    assert_template_has("{ var(txn.job) -m len 1:%d }\n    http-response sc-set-gpt0(2)",
                        JOB_ID_MAX);
    assert_template_has("{ req.hdr(content-length) -m int gt %d }\n", FINDER_BODY_MAX);
    assert_template_has("\n    server agent <<status_address>> maxconn %d<<", FINDER_REQUESTS_MAX);
}

static void test_loads_are_counted_in_the_agents_units(void **state)
{
    (void)state;
    assert_template_has("int(<<number>>),table_gpc0(%s),mul(%u)\n", TABLE_JOBS, LOAD_UNIT);
    assert_template_has("int(<<number>>),table_gpt0(%s),add(%u),sub(req.seen),and(%u)\n",
                        TABLE_JOBS, ROOM, ROOM_MASK);
    assert_template_has(",add(req.room),mul(%u),neg,add(req.seen),mul(%u)\n", LOAD_UNIT, KEY_FIELD);
    assert_template_has("{ rand(%u),add(req.room),mul(%u),add(<<number>>)", KEY_FIELD, KEY_FIELD);
    assert_template_has("var(req.seen),neg,add(%u),and(%u),add(%u),div(%u)\n", ROOM, ROOM_MASK,
                        LOAD_UNIT / 2, LOAD_UNIT);
    assert_template_has("var(req.best),and(%u)\n", KEY_FIELD - 1);
    assert_template_has("var(req.best),div(%u),div(%u),neg,add(%u),add(%u),div(%u)\n", KEY_FIELD,
                        KEY_FIELD, ROOM, LOAD_UNIT / 2, LOAD_UNIT);
    assert_template_has("var(txn.tried),word(%d,", PASSES_MAX);
}

static void test_costs_are_counted_in_the_agents_units(void **state)
{
    (void)state;
    assert_template_has(",add(req.penalty),add(1),mul(%u),sub(req.seen),add(%u),mul(%u)\n",
                        LOAD_UNIT, ROOM, KEY_FIELD);
    assert_template_has("set-var(req.random) rand(%u)\n", KEY_FIELD);
    assert_template_has("set-var(req.best) int(%u)\n", KEY_FIELD);
    assert_template_has("set-var(txn.load) var(req.best),div(%u),sub(%u),div(%u)\n", KEY_FIELD,
                        LOAD_UNIT / 2, LOAD_UNIT);
    assert_template_has("set-var(req.capacity) int(<<number>>),table_gpt0(%s),add(1)\n",
                        TABLE_CAPACITIES);
    assert_template_has("int(<<number>>),table_gpt0(%s),mul(<<capacity>>)\n", TABLE_FAILED);
}

static void test_penalties_are_the_agents(void **state)
{
    (void)state;
    assert_template_has("int(<<number>>),table_gpt0(%s)\n", TABLE_FAILED);
    assert_template_has("var(txn.number),table_gpc1(%s) -m int gt 0\n", TABLE_JOBS);
    assert_template_has(" track-sc1 var(txn.number) table %s ", TABLE_FAILED);
    assert_template_has(" track-sc0 var(txn.number) table %s ", TABLE_JOBS);
    for (unsigned failed = 2; (1U << (failed - 1)) <= JOBS_PENALTY_MAX; failed++)
        assert_template_has("int(%u) if { sc1_tracked } is_failure { sc0_get_gpc1 %s%u }\n",
                            (1U << (failed - 1)) - 1, "", failed);
    assert_template_has("int(%u) if { sc1_tracked } is_failure { sc0_get_gpc1 gt 6 }\n",
                        JOBS_PENALTY_MAX);
}

static void test_the_chroot_is_the_folder_that_genconf_looks_for(void **state)
{
    (void)state;
    assert_template_has("\n    chroot %s\n", HAPROXY_CHROOT);
}

/* --- What a template of somebody's own is warned of --- */

static struct config one = {.haproxy_socket = (char *)"/run/x.sock", .instance_count = 2};

static const char good[] = "global\n"
                           "  stats  socket /run/x.sock mode 660\n"
                           "  server-state-file\t/run/x\n"
                           "backend farm # ours\r\n"
                           "  server again abns@x\n"
                           "  server instance1 10.0.0.1\n"
                           "  server \t instance20 10.0.0.2\n"
                           "backend 'jobs'\n"
                           "backend other\n"
                           "  server instance7 10.0.0.7\n"
                           "backend failed\n"
                           "backend owners\n"
                           "backend owner\n"
                           "  server instance1 10.0.0.1\n";

static struct errors warnings_of(const char *bytes)
{
    struct errors errors = {0};
    struct text text = {0};

    text_put(&text, bytes, strlen(bytes));
    contract_check_output(&text, &one, "x.in", &errors);
    text_free(&text);
    assert_int_equal(errors.count, 0);
    return errors;
}

static void test_what_the_agent_needs_is_seen(void **state)
{
    (void)state;
    struct errors errors = warnings_of(good);

    if (errors.warning_count > 0)
        fail_msg("%s", errors.warnings[0]);
    errors_free(&errors);
}

static void test_what_the_agent_would_miss_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *part; /* spoilt by a character before its end */
        const char *warning;
    } cases[] = {
        {"/run/x.sock", "x.in: makes no line \"stats socket /run/x.sock\": without it the agent"},
        {"server-state-file", "x.in: makes no line \"server-state-file\""},
        {"backend farm", "x.in: makes no line \"backend farm\": without it the agent finds no"},
        {"backend 'jobs", "x.in: makes no line \"backend jobs\""},
        {"backend failed", "x.in: makes no line \"backend failed\""},
        {"backend owners", "x.in: makes no line \"backend owners\""},
        {"server instance", "x.in: makes 1 lines \"server instanceN\" for 2 instances"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char *spoilt = strdup(good);
        strstr(spoilt, cases[i].part)[strlen(cases[i].part) - 1] = '#';
        struct errors errors = warnings_of(spoilt);
        assert_case(cases[i].part, errors.warning_count == 1);
        assert_contains(errors.warnings[0], cases[i].warning);
        errors_free(&errors);
        free(spoilt);
    }
    struct errors errors = warnings_of("");
    assert_int_equal(errors.warning_count, 6);
    errors_free(&errors);
}

static void test_words_are_read_as_haproxy_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *line; /* of the second instance */
        bool is_seen;
    } cases[] = {
        {"server instance20 b", true},
        {"server  instance20 b", true},
        {"\tserver\tinstance20", true},
        {"server 'instance20' b", true},
        {"server \"instance20\" b", true},
        {"\"server\" inst\\ance20", true},
        {"server inst'ance'20", true},
        {"# server instance20", false},
        {"'server instance20'", false},
        {"server instanceX", false},
        {"use-server instance20", false},
        {"backend other\n server instance20 b", false},
        {"listen other\n server instance20 b", false},
        {"server instance20 'never closed", true},
        {"server \\", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = xasprintf("global\n stats socket /run/x.sock\n server-state-file x\n"
                               "backend jobs\nbackend failed\nbackend owners\nbackend farm\n"
                               " server instance1 a\n"
                               " %s",
                               cases[i].line);
        struct errors errors = warnings_of(text);
        assert_case(cases[i].line, errors.warning_count == (cases[i].is_seen ? 0 : 1));
        errors_free(&errors);
        free(text);
    }
}

static void check_version(const char *bytes, const char *warning)
{
    struct errors errors = {0};
    char *copy = exact_copy(bytes, strlen(bytes));

    contract_check_version(copy, strlen(bytes), "x.in", &errors);
    assert_int_equal(errors.count, 0);
    if (warning == NULL)
        assert_int_equal(errors.warning_count, 0);
    else if (!warnings_have(&errors, warning))
        fail_msg("\"%s\" isn't in \"%s\"", warning,
                 errors.warning_count == 0 ? "" : errors.warnings[0]);
    errors_free(&errors);
    free(copy);
}

static void test_a_template_of_another_version_is_warned_of(void **state)
{
    (void)state;
    check_version("<<# leastjobs " LEASTJOBS_VERSION ": mine\nglobal\n", NULL);
    check_version("<<# leastjobs " LEASTJOBS_VERSION, NULL);
    check_version("<<# leastjobs 0.0.9: mine\n", "x.in: is for leastjobs 0.0.9, and this is ");
    check_version("<<# leastjobs " LEASTJOBS_VERSION "1: mine\n", "x.in: is for leastjobs ");
    check_version("<<# leastjobs 0123456789012345678901234567890123456789",
                  "is for leastjobs 0123");
    check_version("global\n", "x.in: its first line doesn't say for which leastjobs it is");
    check_version("<<# leastjobs ", "x.in: its first line doesn't say");
    check_version("", "x.in: its first line doesn't say");
}

static void test_the_built_in_template_is_of_this_version(void **state)
{
    (void)state;
    struct errors errors = {0};

    contract_check_version((const char *)builtin_haproxy_cfg_in.bytes,
                           builtin_haproxy_cfg_in.length, "x.in", &errors);
    assert_int_equal(errors.warning_count, 0);
    errors_free(&errors);
}

static void test_the_built_in_template_is_the_file(void **state)
{
    (void)state;
    struct errors errors = {0};
    size_t length;
    char *bytes = textfile_read("genconf/haproxy.cfg.in", &length, &errors);

    assert_no_errors(&errors);
    assert_int_equal(length, builtin_haproxy_cfg_in.length);
    assert_memory_equal(bytes, builtin_haproxy_cfg_in.bytes, length);
    free(bytes);
}

static void test_the_built_in_template_has_all_that_the_agent_needs(void **state)
{
    (void)state;
    static const char *const variables[] = {"INSTANCE_1_URL=http://a", "INSTANCE_20_URL=http://b",
                                            "MAX_CONNECTIONS=40", NULL};
    struct settings settings = {0};
    struct errors errors = {0};
    struct rendering rendering = {0};
    struct text out = {0};

    settings_read_environment(&settings, (char *const *)variables);
    struct config *config = config_from_settings(&settings, &errors);
    assert_true(render_load(&rendering, NULL, &errors));
    assert_true(render_config(&out, &rendering, config, &errors));
    contract_check_output(&out, config, "built in", &errors);
    assert_no_errors(&errors);
    if (errors.warning_count > 0)
        fail_msg("%s", errors.warnings[0]);
    render_free(&rendering);
    text_free(&out);
    config_free(config);
    settings_free(&settings);
    errors_free(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_and_servers_have_the_names_that_the_agent_asks_for),
        cmocka_unit_test(test_loads_are_counted_in_the_agents_units),
        cmocka_unit_test(test_costs_are_counted_in_the_agents_units),
        cmocka_unit_test(test_penalties_are_the_agents),
        cmocka_unit_test(test_the_chroot_is_the_folder_that_genconf_looks_for),
        cmocka_unit_test(test_what_the_agent_needs_is_seen),
        cmocka_unit_test(test_what_the_agent_would_miss_is_named),
        cmocka_unit_test(test_words_are_read_as_haproxy_reads_them),
        cmocka_unit_test(test_a_template_of_another_version_is_warned_of),
        cmocka_unit_test(test_the_built_in_template_is_of_this_version),
        cmocka_unit_test(test_the_built_in_template_is_the_file),
        cmocka_unit_test(test_the_built_in_template_has_all_that_the_agent_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
