#include "jobs/verdict.h"

#include "helper.h"

/* Statuses of several instances, ended by 0; -1 is one that couldn't be asked. */
static void expect(const long *statuses, int status, const char *text)
{
    struct verdict verdict = {0};

    for (unsigned i = 0; statuses[i] != 0; i++) {
        if (statuses[i] < 0)
            verdict_add_failure(&verdict, i + 1, "timed \"out\"");
        else
            verdict_add_status(&verdict, i + 1, statuses[i]);
    }
    char *body = verdict_body(&verdict);
    assert_int_equal(verdict_status(&verdict), status);
    assert_contains(body, text);
    free(body);
}

#define EXPECT(status, text, ...) expect((const long[]){__VA_ARGS__, 0}, status, text)

static void nobody_knows_it(void **state)
{
    (void)state;
    EXPECT(404, "{\"detail\":\"Not Found: no instance knows it\"}", 404);
    EXPECT(404, "Not Found", 404, 410, 404);
}

static void somebody_could_not_be_asked(void **state)
{
    (void)state;
    EXPECT(503, "[{\"name\":\"instance2\",\"error\":\"timed \\\"out\\\"\"}]}", 404, -1, 404);
    EXPECT(503, "{\"name\":\"instance1\",\"error\":\"HTTP status 500\"}", 500, 404);
    EXPECT(503, "{\"name\":\"instance2\",\"error\":\"HTTP status 302\"}", 404, 302);
    EXPECT(503, "instance3", -1, -1, -1);
}

static void all_refuse_alike(void **state)
{
    (void)state;
    EXPECT(401, "{\"detail\":\"All instances refuse it with status 401\"}", 401, 401);
    EXPECT(422, "422", 422);
}

static void they_refuse_in_different_ways(void **state)
{
    (void)state;
    EXPECT(503, "HTTP status 403", 401, 403);
    EXPECT(503, "HTTP status 401", 404, 401);
    EXPECT(503, "HTTP status 401", 401, -1);
}

static void so_many_are_named(void **state)
{
    (void)state;
    struct verdict verdict = {0};

    for (unsigned i = 1; i <= VERDICT_NAMED_MAX + 5; i++)
        verdict_add_failure(&verdict, i, "x");
    assert_int_equal(verdict.missing, VERDICT_NAMED_MAX + 5);
    char *missing = verdict_missing(&verdict);
    assert_contains(missing, "instance32");
    assert_null(strstr(missing, "instance33"));
    free(missing);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_knows_it),   cmocka_unit_test(somebody_could_not_be_asked),
        cmocka_unit_test(all_refuse_alike),  cmocka_unit_test(they_refuse_in_different_ways),
        cmocka_unit_test(so_many_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
