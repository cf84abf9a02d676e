/*
 * data/haproxy-2.6.csv and data/haproxy-3.0.csv are what HAProxy 2.6.12 and 3.0.11 answered to
 * `show stat farm 4 -1` on their runtime sockets. The backend farm had these servers, checked by
 * HTTP (with http-check disable-on-404) and by an agent, unless said otherwise:
 *   again        without checks
 *   instance1    UP with three requests open
 *   instance2    DOWN by its agent, whose reason had a comma and quotes in it
 *   instance3    set to maint
 *   instance5    set to drain, with a request open; its agent said "up 0%"
 *   instance7    DOWN, connection refused
 *   instance8    set to drain, no agent
 *   instance9    not drained, its agent said "up 0%"
 *   instance11   whose name doesn't resolve
 *   instance12   without checks
 *   instance13   answers 404
 *   instance14   set to drain, no agent, with a request open
 */
#include "farm_helper.h"
#include "haproxy/showstat.h"

#define SAMPLE_MAX 65536
#define NAMES "# pxname,svname,qcur,qmax,scur,smax,slim,stot,status,weight\n"

static const char *const files[] = {"tests/unit/data/haproxy-2.6.csv",
                                    "tests/unit/data/haproxy-3.0.csv"};

static const char *const recorded[] = {"INSTANCE_1_URL=http://a",
                                       "INSTANCE_2_URL=http://b",
                                       "INSTANCE_3_URL=http://c",
                                       "INSTANCE_5_URL=http://e",
                                       "INSTANCE_7_URL=http://g",
                                       "INSTANCE_8_URL=http://h",
                                       "INSTANCE_9_URL=http://i",
                                       "INSTANCE_10_URL=http://j",
                                       "INSTANCE_11_URL=http://k",
                                       "INSTANCE_12_URL=http://l",
                                       "INSTANCE_13_URL=http://m",
                                       "INSTANCE_14_URL=http://n",
                                       NULL};
static const char *const two[] = {"INSTANCE_1_URL=http://a", "INSTANCE_2_URL=http://b", NULL};

static char *read_sample(const char *path, size_t *length)
{
    char *text = malloc(SAMPLE_MAX);
    FILE *file = fopen(path, "r");

    if (file == NULL)
        fail_msg("%s can't be opened: run this in the repository's folder", path);
    assert_non_null(text);
    *length = fread(text, 1, SAMPLE_MAX, file);
    fclose(file);
    assert_in_range(*length, 1000, SAMPLE_MAX - 1);
    return text;
}

static bool apply(struct farm *farm, const char *text, size_t length)
{
    char *copy = exact_copy(text, length);
    bool good = showstat_apply(farm, copy, length);

    free(copy);
    return good;
}

/* Values that no sample has, so that a change is seen. */
static void mark(struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        farm->instances[i].in_flight = 4711;
        farm->instances[i].drained = i % 2 == 0;
    }
}

static bool is_marked(const struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        if (farm->instances[i].in_flight != 4711 || farm->instances[i].drained != (i % 2 == 0))
            return false;
    }
    return true;
}

static void check(const struct farm *farm, unsigned number, unsigned in_flight, bool drained)
{
    const struct instance *instance = farm_find(farm, number);

    assert_non_null(instance);
    if (instance->in_flight != in_flight)
        fail_msg("instance%u has %u in flight, not %u", number, instance->in_flight, in_flight);
    if (instance->drained != drained)
        fail_msg("instance%u is %sdrained", number, instance->drained ? "" : "not ");
}

static void what_haproxy_says_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        size_t length;
        char *text = read_sample(files[i], &length);
        struct farm *farm = farm_of(recorded, NULL);
        mark(farm);
        assert_true(apply(farm, text, length));
        check(farm, 1, 3, false);
        check(farm, 2, 0, false);
        check(farm, 3, 0, false);
        check(farm, 5, 1, true);
        check(farm, 7, 0, false);
        check(farm, 8, 0, true);
        check(farm, 9, 0, false);
        check(farm, 10, 0, false);
        check(farm, 11, 0, false);
        check(farm, 12, 0, false);
        check(farm, 13, 0, true);
        check(farm, 14, 1, true);
        farm_free(farm);
        free(text);
    }
}

static void text_cut_short_at_any_byte_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        size_t length;
        char *text = read_sample(files[i], &length);
        struct farm *farm = farm_of(recorded, NULL);
        mark(farm);
        for (size_t cut = 0; cut < length; cut++) {
            if (apply(farm, text, cut) || !is_marked(farm))
                fail_msg("%s: the first %zu of %zu bytes are taken", files[i], cut, length);
        }
        farm_free(farm);
        free(text);
    }
}

static void other_answers_of_haproxy_change_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "\n\n",
        "No such proxy.\n\n",
        "Permission denied\n\n",
        "Unknown command: 'show', but maybe one of the following ones is a better match:\n\n",
        "pxname,svname,scur,status\nfarm,instance1,1,UP\n\n",
        "#pxname,svname,scur,status\nfarm,instance1,1,UP\n\n",
        "# svname,scur,status\ninstance1,1,UP\n\n",
        "# pxname,scur,status\nfarm,1,UP\n\n",
        "# pxname,svname,status\nfarm,instance1,UP\n\n",
        "# pxname,svname,scur\nfarm,instance1,1\n\n",
        "# pxname,svname,scurr,status\nfarm,instance1,1,UP\n\n",
        "# \n\n",
        "#\n\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct farm *farm = farm_of(two, NULL);
        mark(farm);
        assert_case(texts[i], !apply(farm, texts[i], strlen(texts[i])));
        assert_case(texts[i], is_marked(farm));
        farm_free(farm);
    }
}

/* Applies lines under NAMES to a marked farm of instances 1 and 2. */
static struct farm *farm_after(const char *names, const char *lines)
{
    struct farm *farm = farm_of(two, NULL);
    char text[2000];

    mark(farm);
    snprintf(text, sizeof(text), "%s%s\n", names, lines);
    assert_case(text, apply(farm, text, strlen(text)));
    return farm;
}

static void only_the_states_of_a_drain_are_one(void **state)
{
    static const struct {
        const char *status;
        bool drained;
    } cases[] = {
        {"UP", false},
        {"UP 1/3", false},
        {"DOWN", false},
        {"DOWN 1/2", false},
        {"DOWN (agent)", false},
        {"MAINT", false},
        {"MAINT (via farm/x)", false},
        {"MAINT (resolution)", false},
        {"no check", false},
        {"", false},
        {"DRAIN", true},
        {"DRAIN 2/3", true},
        {"DRAIN (agent)", true},
        {"NOLB", true},
        {"NOLB 1/3", true},
        {"drain", false},
        {"DRAI", false},
        {"UP DRAIN", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[100];
        snprintf(line, sizeof(line), "farm,instance2,0,0,7,9,,99,%s,100\n", cases[i].status);
        struct farm *farm = farm_after(NAMES, line);
        assert_case(cases[i].status, farm_find(farm, 2)->drained == cases[i].drained);
        assert_case(cases[i].status, farm_find(farm, 2)->in_flight == 7);
        farm_free(farm);
    }
}

static void columns_are_found_by_their_names(void **state)
{
    static const struct {
        const char *names;
        const char *line;
    } cases[] = {
        {"# status,scur,svname,pxname\n", "DRAIN,7,instance2,farm\n"},
        {"# pxname,svname,scur,status\n", "farm,instance2,7,DRAIN\n"},
        {"# x,scur,,status,y,pxname,svname,\n", "1,7,3,DRAIN,4,farm,instance2,\n"},
        {"# smax,scur,scur_max,pxname,svname,agg_status,status\n",
         "1,7,9,farm,instance2,UP,DRAIN\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct farm *farm = farm_after(cases[i].names, cases[i].line);
        check(farm, 2, 7, true);
        check(farm, 1, 0, false);
        farm_free(farm);
    }
}

static void servers_that_are_not_ours_are_passed_over(void **state)
{
    static const char *const lines[] = {
        "farm,again,0,0,7,9,,99,DRAIN,100\n",
        "farm,BACKEND,0,0,7,9,,99,DRAIN,100\n",
        "farm,instance3,0,0,7,9,,99,DRAIN,100\n",
        "farm,instance,0,0,7,9,,99,DRAIN,100\n",
        "farm,instance1x,0,0,7,9,,99,DRAIN,100\n",
        "farm,instance-1,0,0,7,9,,99,DRAIN,100\n",
        "farm,xinstance1,0,0,7,9,,99,DRAIN,100\n",
        "farm,INSTANCE1,0,0,7,9,,99,DRAIN,100\n",
        "other,instance1,0,0,7,9,,99,DRAIN,100\n",
        "farm2,instance1,0,0,7,9,,99,DRAIN,100\n",
        "far,instance1,0,0,7,9,,99,DRAIN,100\n",
        ",instance1,0,0,7,9,,99,DRAIN,100\n",
        "farm,,0,0,7,9,,99,DRAIN,100\n",
        "farm,instance4294967297,0,0,7,9,,99,UP,100\n",
        "farm,instance65537,0,0,7,9,,99,UP,100\n",
        "farm,1,0,0,7,9,,99,DRAIN,100\n",
        "\n",
        "farm\n",
        "farm,instance18446744073709551617,0,0,7,9,,99,DRAIN,100\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct farm *farm = farm_after(NAMES, lines[i]);
        for (unsigned number = 1; number <= 2; number++) {
            assert_case(lines[i], farm_find(farm, number)->in_flight == 0);
            assert_case(lines[i], !farm_find(farm, number)->drained);
        }
        farm_free(farm);
    }
}

/* agent_check_parse() knows no instance01 either: it is somebody else's server. */
static void a_server_whose_number_has_a_leading_zero_is_not_ours(void **state)
{
    struct farm *farm = farm_after(NAMES, "farm,instance01,0,0,7,9,,99,DRAIN,100\n");

    (void)state;
    check(farm, 1, 0, false);
    farm_free(farm);
}

static void an_instance_that_is_not_there_has_nothing_in_flight(void **state)
{
    struct farm *farm = farm_after(NAMES, "farm,instance2,0,0,7,9,,99,DRAIN,100\n");

    (void)state;
    check(farm, 1, 0, false);
    check(farm, 2, 7, true);
    farm_free(farm);
    farm = farm_after(NAMES, "");
    check(farm, 1, 0, false);
    check(farm, 2, 0, false);
    farm_free(farm);
}

static void a_number_too_long_or_none_is_nothing_in_flight(void **state)
{
    static const char *const numbers[] = {"",
                                          "x",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "1.0",
                                          "0x10",
                                          "1000001",
                                          "4294967296",
                                          "4294967303",
                                          "18446744073709551617",
                                          "99999999999999999999999999999999999999999999999999",
                                          "\"7\""};

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        char line[200];
        snprintf(line, sizeof(line), "farm,instance1,0,0,%s,9,,99,UP,100\n", numbers[i]);
        struct farm *farm = farm_after(NAMES, line);
        assert_case(numbers[i], farm_find(farm, 1)->in_flight == 0);
        farm_free(farm);
    }
    struct farm *farm = farm_after(NAMES, "farm,instance1,0,0,1000000,9,,99,UP,100\n"
                                          "farm,instance2,0,0,007,9,,99,UP,100\n");
    check(farm, 1, 1000000, false);
    check(farm, 2, 7, false);
    farm_free(farm);
}

static void a_line_with_too_few_fields_sets_nothing(void **state)
{
    struct farm *farm = farm_after(NAMES, "farm,instance1\nfarm,instance2,0,0\n");

    (void)state;
    check(farm, 1, 0, false);
    check(farm, 2, 0, false);
    farm_free(farm);
}

static void the_rest_of_a_state_is_left_alone(void **state)
{
    struct farm *farm = farm_of(two, NULL);
    struct check_result result = passed(9);
    struct moment now = at_ms(0);
    static const char text[] = NAMES "farm,instance1,0,0,7,9,,99,UP,100\n\n";

    (void)state;
    farm->instances[0].in_flight = 2;
    apply_check(&farm->instances[0], &result, 3, &now);
    assert_true(apply(farm, text, strlen(text)));
    assert_int_equal(farm->instances[0].active_jobs, 9);
    assert_int_equal(farm->instances[0].external_jobs, 7);
    assert_int_equal(farm->instances[0].in_flight, 7);
    assert_true(farm->instances[0].healthy);
    assert_true(farm->instances[0].checked);
    farm_free(farm);
}

static void answers_about_single_servers_leave_the_others_alone(void **state)
{
    struct farm *farm = farm_of(recorded, NULL);
    static const char text[] = "# pxname,svname,scur,status,sid\nfarm,instance2,5,DRAIN,3\n\n"
                               "# pxname,svname,scur,status,sid\n\n"
                               "# pxname,svname,scur,status,sid\nfarm,instance3,6,UP,4\n\n";
    char *copy = exact_copy(text, strlen(text));

    (void)state;
    mark(farm);
    farm->instances[0].server_id = 2;
    assert_true(showstat_update(farm, copy, strlen(text)));
    check(farm, 1, 4711, true);
    assert_int_equal(farm_find(farm, 1)->server_id, 2);
    check(farm, 2, 5, true);
    assert_int_equal(farm_find(farm, 2)->server_id, 3);
    check(farm, 3, 6, false);
    assert_int_equal(farm_find(farm, 3)->server_id, 4);
    check(farm, 5, 4711, false);
    /* Cut short, it is whole only where an answer ends. */
    for (size_t length = 2; length < sizeof(text) - 1; length++) {
        const char *end = text + length;
        char *part = exact_copy(text, length);
        assert_int_equal(showstat_update(farm, part, length), end[-1] == '\n' && end[-2] == '\n');
        free(part);
    }
    free(copy);
    farm_free(farm);
}

static void an_id_is_known_until_the_server_is_gone(void **state)
{
    struct farm *farm = farm_of(two, NULL);
    static const char with[] = "# pxname,svname,scur,status,sid\nfarm,instance1,0,UP,7\n"
                               "farm,instance2,0,UP,123456789\n\n";
    static const char without[] = NAMES "farm,instance1,0,0,7,9,,99,UP,100\n\n";

    (void)state;
    assert_true(apply(farm, with, strlen(with)));
    assert_int_equal(farm->instances[0].server_id, 7);
    /* Longer than any that fits a command. */
    assert_int_equal(farm->instances[1].server_id, 0);
    assert_true(apply(farm, without, strlen(without)));
    assert_int_equal(farm->instances[0].server_id, 0);
    farm_free(farm);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_about_single_servers_leave_the_others_alone),
        cmocka_unit_test(an_id_is_known_until_the_server_is_gone),
        cmocka_unit_test(what_haproxy_says_is_understood),
        cmocka_unit_test(text_cut_short_at_any_byte_changes_nothing),
        cmocka_unit_test(other_answers_of_haproxy_change_nothing),
        cmocka_unit_test(only_the_states_of_a_drain_are_one),
        cmocka_unit_test(columns_are_found_by_their_names),
        cmocka_unit_test(servers_that_are_not_ours_are_passed_over),
        cmocka_unit_test(a_server_whose_number_has_a_leading_zero_is_not_ours),
        cmocka_unit_test(an_instance_that_is_not_there_has_nothing_in_flight),
        cmocka_unit_test(a_number_too_long_or_none_is_nothing_in_flight),
        cmocka_unit_test(a_line_with_too_few_fields_sets_nothing),
        cmocka_unit_test(the_rest_of_a_state_is_left_alone),
    };

    return cmocka_run_group_tests_name("showstat", tests, NULL, NULL);
}
