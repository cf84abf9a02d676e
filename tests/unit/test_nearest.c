#include "helper.h"
#include "nearest.h"

static void the_distance_counts_what_must_be_changed(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        unsigned distance;
    } cases[] = {
        {"", "", 0},          {"port", "port", 0},  {"", "port", 4},     {"port", "prt", 1},
        {"port", "poort", 1}, {"port", "part", 1},  {"port", "prot", 1}, {"port", "opTr", 3},
        {"ab", "ba", 1},      {"abc", "cba", 2},    {"ca", "abc", 3},    {"kitten", "sitting", 3},
        {"a", "A", 1},        {"url", "number", 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned there = nearest_distance(cases[i].a, cases[i].b);
        unsigned back = nearest_distance(cases[i].b, cases[i].a);
        if (there != cases[i].distance || back != there)
            fail_msg("%s and %s: %u and %u, not %u", cases[i].a, cases[i].b, there, back,
                     cases[i].distance);
    }
}

static void names_of_64_characters_are_the_longest(void **state)
{
    char name[NEAREST_NAME_MAX + 2];

    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(nearest_distance(name, name), NEAREST_NAME_MAX);
    assert_int_equal(nearest_distance("a", name), NEAREST_NAME_MAX);
    assert_int_equal(nearest_distance(name, "a"), NEAREST_NAME_MAX);
    name[NEAREST_NAME_MAX] = '\0';
    assert_int_equal(nearest_distance(name, name), 0);
    assert_int_equal(nearest_distance(name, "a"), NEAREST_NAME_MAX - 1);
}

static void the_nearest_of_several_is_the_first_of_the_best(void **state)
{
    static const char *const names[] = {"alpha", "beta", "bets", "gamma"};

    (void)state;
    assert_string_equal(nearest_of("betz", names, COUNT(names)), "beta");
    assert_string_equal(nearest_of("gama", names, COUNT(names)), "gamma");
    assert_string_equal(nearest_of("", names, COUNT(names)), "beta");
    assert_string_equal(nearest_of("x", names, 1), "alpha");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_counts_what_must_be_changed),
        cmocka_unit_test(names_of_64_characters_are_the_longest),
        cmocka_unit_test(the_nearest_of_several_is_the_first_of_the_best),
    };

    return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
