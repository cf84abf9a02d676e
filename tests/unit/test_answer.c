/*
 * data/haproxy-2.6-cli-all.txt and -some.txt are what HAProxy 2.6.12 sent on its runtime socket,
 * prompts and all, with a configuration of genconf's with four instances: 3 set to maint, 7 and 12
 * set to drain, all of them down; in the tables what is asserted below.
 *   all   prompt; show stat farm 4 -1; show servers state farm; show table jobs; show table failed
 *   some  prompt; show table jobs key 0; and of the instances 1, 3 and 7, which has no entry,
 *         show stat farm 4 ID; show table jobs key N
 */
#include "farm_helper.h"
#include "haproxy/answer.h"
#include "names.h"

#define ANSWERS_MAX 32768
#define ALL "tests/unit/data/haproxy-2.6-cli-all.txt"
#define SOME "tests/unit/data/haproxy-2.6-cli-some.txt"
#define RECORDED_MARK 2779096485U
#define STAT "# pxname,svname,scur,stot,econ,eresp,hrsp_2xx,status,sid,\n"
#define STATES                                                                                     \
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight\n"
#define JOBS "# table: jobs, type: integer, size:65536, used:2\n"
#define FAILED "# table: failed, type: integer, size:65536, used:2\n"

static const char *const four[] = {"INSTANCE_1_URL=http://a", "INSTANCE_3_URL=http://c",
                                   "INSTANCE_7_URL=http://g", "INSTANCE_12_URL=http://l", NULL};

/* As haproxy/haproxy.c gives it: each prompt is an empty line. */
static char *read_answers(const char *path, size_t *length)
{
    char *text = malloc(ANSWERS_MAX);
    FILE *file = fopen(path, "r");
    char *prompt;

    if (file == NULL)
        fail_msg("%s can't be opened: run this in the repository's folder", path);
    *length = fread(text, 1, ANSWERS_MAX, file);
    fclose(file);
    assert_in_range(*length, 1000, ANSWERS_MAX - 1);
    while ((prompt = memmem(text, *length, "\n> ", 3)) != NULL)
        memset(prompt, '\n', 3);
    return text;
}

static struct answer apply(struct farm *farm, const char *text, size_t length,
                           enum answer_scope scope)
{
    char *copy = exact_copy(text, length);
    struct answer answer = answer_look(copy, length);

    answer.has_stat = answer_apply(farm, &answer, scope);
    free(copy);
    return answer;
}

static struct answer apply_text(struct farm *farm, const char *text)
{
    return apply(farm, text, strlen(text), ANSWER_ALL);
}

/* Something else in every field than any answer has. */
static void spoil(struct farm *farm)
{
    for (size_t i = 0; i < farm->count; i++) {
        struct instance *instance = &farm->instances[i];
        instance->in_flight = instance->acceptances = instance->told = instance->jobs_penalty = 77;
        instance->server_id = 77;
        instance->drained = instance->maintained = true;
        strcpy(instance->address, "spoilt");
    }
}

static void what_haproxy_2_6_answers_is_noted(void **state)
{
    struct farm *farm = farm_of(four, NULL);
    size_t length;
    char *text = read_answers(ALL, &length);

    (void)state;
    spoil(farm);
    struct answer answer = apply(farm, text, length, ANSWER_ALL);
    const struct instance *instances = farm->instances;
    assert_true(answer.has_stat && answer.has_servers && answer.has_jobs && answer.has_failed);
    assert_true(answer.has_mark);
    assert_int_equal(answer.mark, RECORDED_MARK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(instances[i].server_id, i + 2);
        assert_int_equal(instances[i].in_flight, 0);
    }
    assert_string_equal(instances[0].address, "127.0.0.1");
    assert_string_equal(instances[1].address, "::1");
    assert_false(instances[0].drained || instances[0].maintained);
    assert_true(instances[1].maintained && !instances[1].drained);
    /* Though `show stat` has "DOWN 0/1" and "DOWN (agent)" for them. */
    assert_true(instances[2].drained && !instances[2].maintained);
    assert_true(instances[3].drained && !instances[3].maintained);
    assert_int_equal(instances[0].acceptances, 2);
    assert_int_equal(instances[0].told, 4294967291U);
    assert_int_equal(instances[1].acceptances, 7);
    assert_int_equal(instances[1].told, 0);
    assert_int_equal(instances[2].acceptances + instances[2].told, 0);
    assert_int_equal(instances[2].jobs_penalty, 0);
    assert_int_equal(instances[3].jobs_penalty, 15);
    free(text);
    farm_free(farm);
}

static void answers_about_some_leave_the_others_alone(void **state)
{
    struct farm *farm = farm_of(four, NULL);
    struct farm *before = farm_of(four, NULL);
    size_t length;
    char *text = read_answers(SOME, &length);

    (void)state;
    spoil(farm);
    spoil(before);
    struct answer answer = apply(farm, text, length, ANSWER_SOME);
    const struct instance *instances = farm->instances;
    assert_true(answer.has_stat && answer.has_jobs && answer.has_mark);
    assert_false(answer.has_servers || answer.has_failed);
    assert_int_equal(answer.mark, RECORDED_MARK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(instances[i].server_id, i + 2);
        assert_int_equal(instances[i].in_flight, 0);
    }
    assert_int_equal(instances[0].told, 4294967291U);
    assert_int_equal(instances[1].acceptances, 7);
    assert_int_equal(instances[2].acceptances, 77); /* no entry of its own: the caller's to know */
    assert_int_equal(instances[3].in_flight, 77);
    assert_int_equal(instances[3].server_id, 77);
    assert_int_equal(instances[3].told, 77);
    assert_int_equal(instances[0].jobs_penalty, 77);
    assert_true(instances[0].maintained);
    assert_string_equal(instances[0].address, "spoilt");
    free(text);
    farm_free(farm);
    farm_free(before);
}

/* Nothing reads past the end, and no row is taken from output that isn't whole. */
static void answers_may_end_anywhere(void **state)
{
    static const char *const files[] = {ALL, SOME};

    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        size_t length;
        char *text = read_answers(files[i], &length);
        struct farm *farm = farm_of(four, NULL);
        for (size_t end = 0; end < length; end += end + 600 < length ? 7 : 1) {
            apply(farm, text, end, i == 0 ? ANSWER_ALL : ANSWER_SOME);
        }
        farm_free(farm);
        free(text);
    }
}

static void answers_that_are_not_there_change_nothing(void **state)
{
    struct farm *farm = farm_of(four, NULL);

    (void)state;
    spoil(farm);
    struct answer answer = apply_text(farm, "\n\nPermission denied\n\n\n\n");
    assert_false(answer.has_stat || answer.has_servers || answer.has_jobs || answer.has_failed ||
                 answer.has_mark);
    assert_int_equal(farm->instances[0].in_flight, 77);
    assert_int_equal(farm->instances[0].told, 77);
    assert_int_equal(farm->instances[0].jobs_penalty, 77);
    assert_true(farm->instances[0].drained && farm->instances[0].maintained);
    answer = apply_text(farm, "");
    assert_false(answer.has_stat);
    farm_free(farm);
}

static void entries_that_have_gone_are_zeros(void **state)
{
    struct farm *farm = farm_of(four, NULL);

    (void)state;
    spoil(farm);
    apply_text(farm, "\n\n" JOBS "0x1: key=3 use=0 exp=1 gpt0=5 gpc0=6\n\n\n");
    assert_int_equal(farm->instances[0].acceptances + farm->instances[0].told, 0);
    assert_int_equal(farm->instances[1].told, 5);
    assert_int_equal(farm->instances[1].acceptances, 6);
    assert_int_equal(farm->instances[0].jobs_penalty, 77); /* of another table, not asked for */
    apply_text(farm, "\n\n" FAILED "\n\n");
    assert_int_equal(farm->instances[0].jobs_penalty, 0);
    assert_int_equal(farm->instances[1].told, 5);
    farm_free(farm);
}

/* Its entry `line`, under a head, gives these. */
static void check_entry(const char *line, bool is_read, uint32_t told, uint32_t acceptances)
{
    struct farm *farm = farm_of(four, NULL);
    char text[512];

    snprintf(text, sizeof(text), "\n\n" JOBS "%s\n\n\n", line);
    apply_text(farm, text);
    assert_case(line, farm->instances[0].told == (is_read ? told : 0));
    assert_case(line, farm->instances[0].acceptances == (is_read ? acceptances : 0));
    farm_free(farm);
}

static void entries_are_read_by_the_names_in_them(void **state)
{
    (void)state;
    check_entry("0x55: key=1 use=0 exp=9 gpt0=3 gpc0=4", true, 3, 4);
    check_entry("0x55: key=1 use=0 exp=9 shard=0 gpt0=3 gpc0=4", true, 3, 4);
    check_entry("0x55: key=1 use=1 exp=9 gpc0=4 gpt0=3 conn_cnt=9", true, 3, 4);
    check_entry("0x55: key=1 use=0 exp=9 gpc0_rate(10000)=8 gpc0=4 gpt0=3", true, 3, 4);
    check_entry("0x55: key=1 use=0 exp=9 gpc0=4", true, 0, 4);
    check_entry("0x55: key=1 use=0 exp=9 gpt0=4294967295 gpc0=4294967295", true, UINT32_MAX,
                UINT32_MAX);
    check_entry("0x55: key=1 use=0 exp=9 gpt0=4294967296 gpc0=4", true, 0, 4);
    check_entry("0x55: key=1 use=0 exp=9 gpt0=42949672950 gpc0=4", true, 0, 4);
    check_entry("0x55: key=1 use=0 exp=9 gpt0=-3 gpc0=4x", true, 0, 0);
    check_entry("0x55: key=1x use=0 exp=9 gpt0=3 gpc0=4", false, 0, 0);
    check_entry("0x55: key= use=0 exp=9 gpt0=3 gpc0=4", false, 0, 0);
    check_entry("0x55: key=10 use=0 exp=9 gpt0=3 gpc0=4", false, 0, 0);
    check_entry("0x55: key=11111111111 use=0 exp=9 gpt0=3 gpc0=4", false, 0, 0);
    check_entry("key=1 use=0 exp=9 gpt0=3 gpc0=4", false, 0, 0);
    check_entry("\n0x55: key=1 use=0 exp=9 gpt0=3 gpc0=4", false, 0, 0); /* of no table */
    check_entry("# table: other, type: integer, size:1, used:1\n0x55: key=1 gpt0=3 gpc0=4", false,
                0, 0);
}

static void a_capacity_that_was_told_is_in_the_entry(void **state)
{
    struct farm *farm = farm_of(four, NULL);

    (void)state;
    apply_text(farm, "\n\n" JOBS "0x55: key=1 use=0 exp=9 gpt0=3 gpc0=4 gpc1=11\n"
                     "0x55: key=3 use=0 exp=9 gpt0=3 gpc0=4\n\n\n");
    assert_int_equal(farm->instances[0].told_capacity, 11);
    assert_int_equal(farm->instances[0].acceptances, 4);
    assert_int_equal(farm->instances[1].told_capacity, 0);
    apply_text(farm, "\n\n" JOBS "\n\n");
    assert_int_equal(farm->instances[0].told_capacity, 0);
    farm_free(farm);
}

static void a_penalty_is_bounded(void **state)
{
    struct farm *farm = farm_of(four, NULL);

    (void)state;
    apply_text(farm, "\n\n" FAILED "0x1: key=1 use=0 exp=9 gpt0=16383\n"
                     "0x1: key=3 use=0 exp=9 gpt0=4294967295\n\n\n");
    assert_int_equal(farm->instances[0].jobs_penalty, PENALTY_MAX);
    assert_int_equal(farm->instances[1].jobs_penalty, PENALTY_MAX);
    farm_free(farm);
}

static void check_mark(const char *text, bool has_mark, uint32_t mark)
{
    char *copy = exact_copy(text, strlen(text));
    struct answer answer = answer_look(copy, strlen(text));

    free(copy);
    assert_case(text, answer.has_mark == has_mark);
    assert_case(text, answer.mark == mark);
}

static void the_mark_is_under_a_key_that_no_instance_has(void **state)
{
    (void)state;
    check_mark(JOBS "0x1: key=0 use=0 exp=9 gpt0=9 gpc0=0\n\n", true, 9);
    check_mark(JOBS "0x1: key=7 use=0 exp=9 gpt0=8\n0x1: key=0 use=0 exp=9 gpt0=9\n\n", true, 9);
    check_mark(JOBS "0x1: key=0 use=0 exp=9 gpt0=0 gpc0=9\n\n", false, 0);
    check_mark(JOBS "0x1: key=10 use=0 exp=9 gpt0=9\n\n", false, 0);
    check_mark(JOBS "\n", false, 0);
    /* Two answers: the first that has one counts. */
    check_mark(JOBS "0x1: key=0 gpt0=9\n\n" JOBS "0x1: key=0 gpt0=0\n\n", true, 9);
    check_mark(JOBS "0x1: key=0 gpt0=9\n\n" JOBS "0x1: key=0 gpt0=8\n\n", true, 9);
    check_mark(JOBS "0x1: key=0 gpt0=0\n\n" JOBS "0x1: key=0 gpt0=8\n\n", true, 8);
}

struct server_line {
    const char *line;
    const char *address;
    bool is_drained;
    bool is_maintained;
    bool weighs_nothing;
};

static void administrative_states_and_addresses_are_read(void **state)
{
    static const struct server_line lines[] = {
        {"4 farm 2 instance1 10.0.0.1 2 0 100", "10.0.0.1", false, false, false},
        {"4 farm 2 instance1 10.0.0.1 2 8 100", "10.0.0.1", true, false, false},
        {"4 farm 2 instance1 10.0.0.1 0 16 100", "10.0.0.1", true, false, false},
        {"4 farm 2 instance1 10.0.0.1 0 1 100", "10.0.0.1", false, true, false},
        {"4 farm 2 instance1 10.0.0.1 0 9 100", "10.0.0.1", true, true, false},
        {"4 farm 2 instance1 10.0.0.1 0 32 100", "10.0.0.1", false, false,
         false}, /* not resolved */
        {"4 farm 2 instance1 2001:db8::17 2 8 100", "2001:db8::17", true, false, false},
        {"4 farm 2 instance1 - 0 40 100 and more columns", "", true, false, false},
        {"4 farm 2 instance1 10.0.0.1 2 8", "10.0.0.1", true, false, false},
        {"4 farm 2 instance1 10.0.0.1 2 8 0 100", "10.0.0.1", true, false, true},
        {"4 farm 2 instance1 10.0.0.1 2 0 0", "10.0.0.1", false, false, true},
        {"4 farm 2 instance1 10.0.0.1 2", "", false, false, false},
        {"4 farm 2 instance1 10.0.0.1  2 8", "", false, false, false},
        {"4 other 2 instance1 10.0.0.1 2 8 100", "", false, false, false},
        {"4 farm 2 instance2 10.0.0.1 2 8 100", "", false, false, false},
        {"4 farm 2 instance 10.0.0.1 2 8 100", "", false, false, false},
        {"4 farm 2 instance1x 10.0.0.1 2 8 100", "", false, false, false},
        {"4 farm 2 again 10.0.0.1 2 8 100", "", false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct farm *farm = farm_of(four, NULL);
        char text[512];
        snprintf(text, sizeof(text), "\n\n" STATES "%s\n\n\n", lines[i].line);
        assert_case(lines[i].line, apply_text(farm, text).has_servers);
        assert_case(lines[i].line, farm->instances[0].drained == lines[i].is_drained);
        assert_case(lines[i].line, farm->instances[0].maintained == lines[i].is_maintained);
        assert_case(lines[i].line, farm->instances[0].weighs_nothing == lines[i].weighs_nothing);
        assert_case_text(lines[i].line, farm->instances[0].address, lines[i].address);
        farm_free(farm);
    }
}

/* What one answer says of a drain is not undone by another. */
static void a_drain_is_known_while_a_server_is_down(void **state)
{
    struct farm *farm = farm_of(four, NULL);

    (void)state;
    apply_text(farm, "\n\n" STAT "farm,instance1,2,9,0,0,0,DOWN 1/2,5,\n\n\n\n" STATES
                     "4 farm 5 instance1 10.0.0.1 0 8 100\n\n\n\n");
    assert_true(farm->instances[0].drained);
    assert_int_equal(farm->instances[0].in_flight, 2);
    assert_int_equal(farm->instances[0].server_id, 5);
    farm_free(farm);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_haproxy_2_6_answers_is_noted),
        cmocka_unit_test(answers_about_some_leave_the_others_alone),
        cmocka_unit_test(answers_may_end_anywhere),
        cmocka_unit_test(answers_that_are_not_there_change_nothing),
        cmocka_unit_test(entries_that_have_gone_are_zeros),
        cmocka_unit_test(entries_are_read_by_the_names_in_them),
        cmocka_unit_test(a_capacity_that_was_told_is_in_the_entry),
        cmocka_unit_test(a_penalty_is_bounded),
        cmocka_unit_test(the_mark_is_under_a_key_that_no_instance_has),
        cmocka_unit_test(administrative_states_and_addresses_are_read),
        cmocka_unit_test(a_drain_is_known_while_a_server_is_down),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
