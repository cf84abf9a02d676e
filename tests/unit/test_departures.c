#include "names/departures.h"

#include "helper.h"

/* One instance of the agent's answer. */
#define ITEM(number, healthy, leaving, open, jobs, accepted, check)                                \
    "{\"name\":\"instance" #number "\",\"url\":\"http://h" #number "\",\"is_healthy\":" #healthy   \
    ",\"is_leaving\":" #leaving ",\"in_flight\":" #open ",\"active_jobs\":" #jobs                  \
    ",\"accepted_jobs\":" #accepted ",\"last_check\":" check "}"
#define BODY(items) "{\"instances\":[" items "]}"
#define FIRST "\"2026-11-27T06:00:01.000Z\""
#define SECOND "\"2026-11-27T06:00:02.000Z\""

static struct departures *departures;
static struct found_list list;

/* Numbers 1 to `count`, the first `leaving` of them leaving. */
static void start(unsigned count, unsigned leaving)
{
    departures = departures_new();
    for (unsigned i = 1; i <= count; i++) {
        char url[32];
        snprintf(url, sizeof(url), "http://h%u", i);
        found_add(&list, &(struct found){.number = i,
                                         .url = url,
                                         .origin = (char *)"/list",
                                         .left_s = i <= leaving ? 1 : 0});
    }
}

static void finish(void)
{
    departures_free(departures);
    found_free(&list);
}

static size_t take_at(const char *body, int64_t now_ms)
{
    char *bytes = exact_copy(body, strlen(body));
    size_t taken = departures_take(departures, &list, bytes, strlen(body), now_ms);

    free(bytes);
    return taken;
}

static void an_idle_one_goes_with_the_first_report_after_it_was_known_to_leave(void **state)
{
    (void)state;
    start(2, 1);
    assert_int_equal(take_at(BODY(ITEM(1, true, true, 0, 0, 0, FIRST)), 0), 0);
    assert_int_equal(take_at(BODY(ITEM(1, true, true, 0, 0, 0, FIRST)), 90000), 0);
    assert_int_equal(take_at(BODY(ITEM(1, true, true, 0, 0, 0, SECOND)), 90001), 1);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].number, 2);
    assert_false(departures_has_any(&list));
    finish();
}

static void one_that_has_jobs_stays(void **state)
{
    static const char *const bodies[] = {
        BODY(ITEM(1, true, true, 1, 0, 0, SECOND)),
        BODY(ITEM(1, true, true, 0, 1, 0, SECOND)),
        BODY(ITEM(1, true, true, 0, 0, 1, SECOND)),
        /* The agent doesn't know yet. */
        BODY(ITEM(1, true, false, 0, 0, 0, SECOND)),
        BODY(ITEM(1, false, false, 0, 0, 0, SECOND)),
        /* Another one, or nobody. */
        BODY(ITEM(2, true, true, 0, 0, 0, SECOND)),
        BODY(""),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        start(1, 1);
        assert_int_equal(take_at(BODY(ITEM(1, true, true, 3, 3, 0, FIRST)), 0), 0);
        assert_case(bodies[i], take_at(bodies[i], DEPARTURES_HOLD_MS) == 0);
        assert_case(bodies[i], take_at(bodies[i], 2 * DEPARTURES_HOLD_MS) == 0);
        finish();
    }
}

static void an_unhealthy_one_goes_at_once(void **state)
{
    (void)state;
    start(1, 1);
    assert_int_equal(take_at(BODY(ITEM(1, false, true, 2, 2, 0, FIRST)), 0), 1);
    assert_int_equal(list.count, 0);
    finish();
}

static void one_that_had_jobs_is_held_as_long_as_it_lives(void **state)
{
    static const char *const jobs[] = {
        BODY(ITEM(1, true, true, 1, 0, 0, FIRST)),
        BODY(ITEM(1, true, true, 0, 1, 0, FIRST)),
        BODY(ITEM(1, true, true, 0, 0, 1, FIRST)),
    };
    static const char idle[] = BODY(ITEM(1, true, true, 0, 0, 0, SECOND));

    (void)state;
    for (size_t i = 0; i < COUNT(jobs); i++) {
        start(1, 1);
        take_at(jobs[i], 0);
        assert_int_equal(take_at(idle, 1000), 0);
        /* The last one counts. */
        take_at(jobs[i], 2000);
        assert_int_equal(take_at(idle, 2000 + DEPARTURES_HOLD_MS - 1), 0);
        assert_int_equal(take_at(idle, 2000 + DEPARTURES_HOLD_MS), 1);
        finish();
    }
    start(1, 1);
    take_at(jobs[0], 0);
    assert_int_equal(take_at(idle, 1000), 0);
    assert_int_equal(take_at(BODY(ITEM(1, false, true, 0, 0, 0, SECOND)), 2000), 1);
    finish();
}

static void several_go_together_but_not_too_late(void **state)
{
    static const char one_idle[] =
        BODY(ITEM(1, true, true, 0, 0, 0, SECOND) "," ITEM(2, true, true, 0, 0, 0, FIRST));
    static const char both_idle[] =
        BODY(ITEM(1, true, true, 0, 0, 0, SECOND) "," ITEM(2, true, true, 0, 0, 0, SECOND));
    static const char begin[] =
        BODY(ITEM(1, true, true, 0, 0, 0, FIRST) "," ITEM(2, true, true, 0, 0, 0, FIRST));

    (void)state;
    start(2, 2);
    take_at(begin, 0);
    assert_int_equal(take_at(one_idle, 1000), 0);
    assert_int_equal(take_at(both_idle, 2000), 2);
    assert_int_equal(list.count, 0);
    finish();
    start(2, 2);
    take_at(begin, 0);
    assert_int_equal(take_at(one_idle, 1000), 0);
    assert_int_equal(take_at(one_idle, 1000 + DEPARTURES_GATHER_MS - 1), 0);
    assert_int_equal(take_at(one_idle, 1000 + DEPARTURES_GATHER_MS), 1);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].number, 2);
    finish();
}

static void one_that_came_back_and_left_again_is_a_new_departure(void **state)
{
    (void)state;
    start(1, 1);
    take_at(BODY(ITEM(1, true, true, 1, 1, 0, FIRST)), 0);
    list.items[0].left_s = 0;
    assert_int_equal(take_at(BODY(ITEM(1, true, false, 0, 0, 0, SECOND)), 1000), 0);
    list.items[0].left_s = 5;
    assert_int_equal(take_at(BODY(ITEM(1, true, true, 0, 0, 0, SECOND)), 2000), 0);
    assert_int_equal(take_at(BODY(ITEM(1, true, true, 0, 0, 0, FIRST)), 3000), 1);
    finish();
}

static void what_is_no_answer_changes_nothing(void **state)
{
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"instances\":null}",
        "{\"instances\":[1,null,\"x\",{}]}",
        "{\"instances\":[{\"name\":1,\"url\":2}]}",
        BODY("{\"name\":\"instance1\",\"url\":\"http://h1\",\"is_leaving\":true,"
             "\"is_healthy\":true}"),
        BODY("{\"name\":\"instance1\",\"url\":\"http://h1\",\"is_leaving\":true,"
             "\"is_healthy\":true,\"last_check\":null,\"in_flight\":\"0\",\"active_jobs\":0}"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        start(1, 1);
        take_at(BODY(ITEM(1, true, true, 0, 0, 0, FIRST)), 0);
        assert_case(bodies[i], take_at(bodies[i], 100000) == 0);
        assert_case(bodies[i], list.count == 1);
        finish();
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_one_goes_with_the_first_report_after_it_was_known_to_leave),
        cmocka_unit_test(one_that_has_jobs_stays),
        cmocka_unit_test(an_unhealthy_one_goes_at_once),
        cmocka_unit_test(one_that_had_jobs_is_held_as_long_as_it_lives),
        cmocka_unit_test(several_go_together_but_not_too_late),
        cmocka_unit_test(one_that_came_back_and_left_again_is_a_new_departure),
        cmocka_unit_test(what_is_no_answer_changes_nothing),
    };

    return cmocka_run_group_tests_name("departures", tests, NULL, NULL);
}
