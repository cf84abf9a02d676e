#include "helper.h"
#include "run/restarts.h"

/* The clock stands far from 0, where an untouched field would look like a time. */
#define START 1000000

/* A process that runs for so long; returns the pause before the next. */
static int64_t live(struct restarts *restarts, int64_t *now_ms, int64_t for_ms)
{
    restarts_note_start(restarts, *now_ms);
    *now_ms += for_ms;
    int64_t pause_ms = restarts_note_end(restarts, *now_ms);
    *now_ms += pause_ms;
    return pause_ms;
}

static void the_first_is_at_once_and_the_pauses_grow(void **state)
{
    static const int64_t pauses[] = {0, 250, 500, 1000, 2000, 4000, 5000, 5000};
    struct restarts restarts = {0};
    int64_t now_ms = START;

    (void)state;
    for (size_t i = 0; i < COUNT(pauses); i++)
        assert_int_equal(live(&restarts, &now_ms, 10), pauses[i]);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(live(&restarts, &now_ms, 10), RESTART_MOST_MS);
}

static void one_that_has_run_well_starts_anew(void **state)
{
    struct restarts restarts = {0};
    int64_t now_ms = START;

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        live(&restarts, &now_ms, 10);
    assert_int_equal(live(&restarts, &now_ms, RESTART_STEADY_MS - 1), 4000);
    assert_int_equal(live(&restarts, &now_ms, RESTART_STEADY_MS), 0);
    assert_int_equal(live(&restarts, &now_ms, 10), RESTART_FIRST_MS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_at_once_and_the_pauses_grow),
        cmocka_unit_test(one_that_has_run_well_starts_anew),
    };

    return cmocka_run_group_tests_name("restarts", tests, NULL, NULL);
}
