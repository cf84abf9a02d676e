#include "fake_haproxy.h"
#include "haproxy/haproxy.h"

#define TEXT_MAX 8192
#define LONG_SIZE ((size_t)100 * 1024)
#define MANY 3000

/* The one that asks, and what it has been told. */
struct asker {
    struct haproxy *haproxy;
    struct fake_haproxy fake;
    const char *commands[4]; /* to ask */
    const char *told[4];     /* to say after the answer */
    unsigned told_more;      /* and so many numbered commands more */
    bool asks_again;         /* another query, as soon as there is a result */
    unsigned asked;
    unsigned results;
    enum haproxy_outcome outcome;
    size_t length;
    char text[TEXT_MAX];
    char problem[128];
    int64_t result_ms;
};

static void on_ask(void *context)
{
    struct asker *asker = context;

    asker->asked++;
    for (size_t i = 0; i < COUNT(asker->commands) && asker->commands[i] != NULL; i++)
        haproxy_say(asker->haproxy, "%s", asker->commands[i]);
}

static void on_result(void *context, enum haproxy_outcome outcome, char *text, size_t length,
                      const char *problem)
{
    struct asker *asker = context;

    asker->results++;
    asker->outcome = outcome;
    asker->length = length;
    asker->result_ms = clock_ms();
    snprintf(asker->problem, sizeof(asker->problem), "%s", problem == NULL ? "" : problem);
    snprintf(asker->text, sizeof(asker->text), "%.*s", (int)length, text == NULL ? "" : text);
    if (asker->asks_again)
        haproxy_query(asker->haproxy);
    asker->asks_again = false;
    for (size_t i = 0; i < COUNT(asker->told) && asker->told[i] != NULL; i++)
        haproxy_say(asker->haproxy, "%s", asker->told[i]);
    for (unsigned i = 0; i < asker->told_more; i++)
        haproxy_say(asker->haproxy, "set table jobs key %u data.gpt0 %0100u", i, i);
}

/* Each command twice, in two lines; nothing to what is told, as HAProxy does. */
static char *answer_twice(void *context, const char *command)
{
    char answer[512];

    (void)context;
    if (strncmp(command, "set ", 4) == 0)
        return strdup("");
    snprintf(answer, sizeof(answer), "%s\n%s\n", command, command);
    return strdup(answer);
}

static char *answer_long(void *context, const char *command)
{
    char *answer = malloc(LONG_SIZE + 1);

    (void)context;
    (void)command;
    memset(answer, 'x', LONG_SIZE);
    answer[LONG_SIZE] = '\0';
    return answer;
}

static struct asker *new_asker(bool is_there)
{
    struct asker *asker = calloc(1, sizeof(*asker));
    struct haproxy_events events = {.ask = on_ask, .result = on_result, .context = asker};

    asker->fake.answer = answer_twice;
    fake_haproxy_start(&asker->fake);
    if (!is_there)
        fake_haproxy_stop(&asker->fake);
    asker->haproxy = haproxy_new(loop, asker->fake.path, 1, &events);
    asker->commands[0] = "one";
    asker->commands[1] = "two";
    return asker;
}

static void free_asker(struct asker *asker)
{
    haproxy_free(asker->haproxy);
    fake_haproxy_stop(&asker->fake);
    await(asker->fake.open == 0);
    free(asker);
}

static void ask(struct asker *asker)
{
    unsigned before = asker->results;

    haproxy_query(asker->haproxy);
    await(asker->results > before);
    assert_int_equal(asker->results, before + 1);
}

/* Prompts have become empty lines. */
#define BOTH_ANSWERS "\n\n\none\none\n\n\n\ntwo\ntwo\n\n\n\n"
/* On the wire. */
#define WIRE_SIZE (sizeof("\n> one\none\n\n> two\ntwo\n\n> ") - 1)

static void assert_answered(const struct asker *asker)
{
    assert_int_equal(asker->outcome, HAPROXY_ANSWERED);
    assert_string_equal(asker->text, BOTH_ANSWERS);
    assert_string_equal(asker->problem, "");
}

static void answers_come_behind_each_other_between_empty_lines(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    ask(asker);
    assert_answered(asker);
    await(asker->fake.open == 0);
    assert_string_equal(asker->fake.log, "open\nprompt\none\ntwo\nclosed\n");
    free_asker(asker);
}

static void an_answer_may_come_byte_by_byte(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    asker->fake.piece_bytes = 1;
    ask(asker);
    assert_answered(asker);
    free_asker(asker);
}

static void an_answer_may_be_split_anywhere(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < WIRE_SIZE; cut++) {
        struct asker *asker = new_asker(true);
        asker->fake.cut_bytes = cut;
        ask(asker);
        assert_answered(asker);
        free_asker(asker);
    }
}

static void an_answer_that_is_cut_short_anywhere_is_none(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < WIRE_SIZE; cut++) {
        struct asker *asker = new_asker(true);
        asker->fake.close_bytes = cut;
        ask(asker);
        assert_int_equal(asker->outcome, HAPROXY_FAILED);
        assert_int_equal(asker->length, 0);
        assert_string_equal(asker->problem, "it closed the connection");
        free_asker(asker);
    }
}

static void a_socket_that_nobody_listens_on_is_a_haproxy_that_is_absent(void **state)
{
    struct asker *asker = new_asker(false);

    (void)state;
    ask(asker);
    assert_int_equal(asker->outcome, HAPROXY_ABSENT);
    assert_true(asker->problem[0] != '\0');
    free_asker(asker);
}

static void no_socket_is_a_haproxy_that_is_absent_until_there_is_one(void **state)
{
    struct asker *asker = new_asker(false);

    (void)state;
    remove(asker->fake.path);
    ask(asker);
    assert_int_equal(asker->outcome, HAPROXY_ABSENT);
    fake_haproxy_start(&asker->fake);
    ask(asker);
    assert_answered(asker);
    free_asker(asker);
}

static void a_silent_one_fails_after_the_time_limit(void **state)
{
    struct asker *asker = new_asker(true);
    int64_t before = clock_ms();

    (void)state;
    asker->fake.is_silent = true;
    haproxy_query(asker->haproxy);
    loop_for(HAPROXY_TIMEOUT_MS - 1);
    assert_int_equal(asker->results, 0);
    await(asker->results == 1);
    assert_int_equal(asker->outcome, HAPROXY_FAILED);
    assert_string_equal(asker->problem, "no answer in time");
    assert_int_equal(asker->result_ms - before, HAPROXY_TIMEOUT_MS);
    asker->fake.is_silent = false;
    ask(asker);
    assert_answered(asker);
    free_asker(asker);
}

/* 64 KiB and 4 KiB for the one server: a bound that is far from both numbers will do. */
static void an_answer_that_is_too_long_fails(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    asker->fake.answer = answer_long;
    asker->commands[1] = NULL;
    ask(asker);
    assert_int_equal(asker->outcome, HAPROXY_ANSWERED);
    assert_in_range(asker->length, LONG_SIZE, LONG_SIZE + 16);
    asker->commands[1] = "two";
    asker->commands[2] = "three";
    ask(asker);
    assert_int_equal(asker->outcome, HAPROXY_FAILED);
    assert_string_equal(asker->problem, "the answer is too long");
    free_asker(asker);
}

static void what_is_told_goes_to_the_process_that_answered(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    asker->told[0] = "set a";
    asker->told[1] = "set b";
    ask(asker);
    await(asker->fake.open == 0);
    assert_string_equal(asker->fake.log, "open\nprompt\none\ntwo\nset a\nset b\nclosed\n");
    assert_int_equal(asker->results, 1);
    free_asker(asker);
}

static void more_may_be_told_than_a_socket_holds(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    asker->told_more = MANY;
    ask(asker);
    await(asker->fake.open == 0);
    assert_int_equal(asker->fake.commands, 3 + MANY);
    assert_int_equal(asker->results, 1);
    asker->told_more = 0;
    ask(asker);
    assert_answered(asker);
    free_asker(asker);
}

static void a_query_during_the_telling_happens_after_it(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    asker->told[0] = "set a";
    asker->asks_again = true;
    ask(asker);
    asker->told[0] = NULL;
    await(asker->results == 2);
    await(asker->fake.open == 0);
    assert_string_equal(asker->fake.log, "open\nprompt\none\ntwo\nset a\nclosed\n"
                                         "open\nprompt\none\ntwo\nclosed\n");
    free_asker(asker);
}

/* The result says nothing of it: the next answer shows what HAProxy has taken. */
static void a_telling_that_is_never_answered_ends_too(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    asker->told[0] = "set a";
    asker->fake.close_bytes = WIRE_SIZE + 1;
    asker->asks_again = true;
    ask(asker);
    asker->told[0] = NULL;
    asker->fake.close_bytes = 0;
    await(asker->results == 2);
    assert_answered(asker);
    free_asker(asker);
}

static void calls_before_a_query_begins_share_it(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    haproxy_query(asker->haproxy);
    haproxy_query(asker->haproxy);
    await(asker->fake.commands == 3);
    haproxy_query(asker->haproxy);
    loop_for(1000);
    assert_int_equal(asker->asked, 1);
    assert_int_equal(asker->results, 1);
    free_asker(asker);
}

/* How long after the first query's beginning the second begins, if the first takes so long. */
static int64_t gap_after(int64_t took_ms)
{
    struct asker *asker = new_asker(true);

    asker->fake.piece_bytes = took_ms == 0 ? 0 : WIRE_SIZE / (size_t)took_ms;
    ask(asker);
    ask(asker);
    assert_int_equal(asker->fake.connections, 2);
    int64_t gap_ms = asker->fake.opened_ms[1] - asker->fake.opened_ms[0];
    free_asker(asker);
    return gap_ms;
}

static void between_queries_there_is_a_gap(void **state)
{
    (void)state;
    assert_int_equal(gap_after(0), HAPROXY_GAP_MIN_MS);
    /* In pieces of which the first is at once: the last one is so many ms later. */
    assert_int_equal(gap_after(4), (int64_t)HAPROXY_GAP_FACTOR * 4);
    assert_int_equal(gap_after(24), HAPROXY_GAP_MAX_MS);
}

static void an_absent_one_is_asked_after_the_longest_gap(void **state)
{
    struct asker *asker = new_asker(false);

    (void)state;
    ask(asker);
    int64_t first_ms = asker->result_ms;
    ask(asker);
    assert_int_equal(asker->result_ms - first_ms, HAPROXY_GAP_MAX_MS);
    free_asker(asker);
}

static void a_command_that_is_too_long_is_left_out(void **state)
{
    struct asker *asker = new_asker(true);
    char command[512];

    (void)state;
    memset(command, 'c', sizeof(command) - 1);
    command[sizeof(command) - 1] = '\0';
    asker->commands[2] = command;
    ask(asker);
    assert_answered(asker);
    free_asker(asker);
}

static void it_may_be_freed_at_any_time(void **state)
{
    struct asker *asker = new_asker(true);

    (void)state;
    haproxy_query(asker->haproxy);
    free_asker(asker);
    asker = new_asker(true);
    asker->fake.is_silent = true;
    haproxy_query(asker->haproxy);
    await(asker->fake.commands == 3);
    free_asker(asker);
    asker = new_asker(true);
    asker->told_more = MANY;
    ask(asker);
    free_asker(asker);
}

#define it(function) cmocka_unit_test_setup_teardown(function, loop_set_up, loop_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(answers_come_behind_each_other_between_empty_lines),
        it(an_answer_may_come_byte_by_byte),
        it(an_answer_may_be_split_anywhere),
        it(an_answer_that_is_cut_short_anywhere_is_none),
        it(a_socket_that_nobody_listens_on_is_a_haproxy_that_is_absent),
        it(no_socket_is_a_haproxy_that_is_absent_until_there_is_one),
        it(a_silent_one_fails_after_the_time_limit),
        it(an_answer_that_is_too_long_fails),
        it(what_is_told_goes_to_the_process_that_answered),
        it(more_may_be_told_than_a_socket_holds),
        it(a_query_during_the_telling_happens_after_it),
        it(a_telling_that_is_never_answered_ends_too),
        it(calls_before_a_query_begins_share_it),
        it(between_queries_there_is_a_gap),
        it(an_absent_one_is_asked_after_the_longest_gap),
        it(a_command_that_is_too_long_is_left_out),
        it(it_may_be_freed_at_any_time),
    };

    return cmocka_run_group_tests_name("haproxy", tests, NULL, NULL);
}
