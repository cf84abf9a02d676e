#include "list.h"

#include "helper.h"

static void parts_are_taken_one_by_one(void **state)
{
    static const char text[] = "a,bc,,d";
    static const struct {
        size_t at;
        size_t length;
    } parts[] = {{0, 1}, {2, 2}, {5, 0}, {6, 1}};
    const char *rest = text;
    size_t length;

    (void)state;
    for (size_t i = 0; i < COUNT(parts); i++) {
        assert_ptr_equal(list_take(&rest, &length), text + parts[i].at);
        assert_int_equal(length, parts[i].length);
    }
    assert_null(list_take(&rest, &length));
    assert_null(list_take(&rest, &length));
}

static void parts_are_counted(void **state)
{
    (void)state;
    assert_int_equal(list_count(NULL), 0);
    assert_int_equal(list_count(""), 0);
    assert_int_equal(list_count("a"), 1);
    assert_int_equal(list_count("a,"), 1);
    assert_int_equal(list_count(","), 1);
    assert_int_equal(list_count("a,,b"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_taken_one_by_one),
        cmocka_unit_test(parts_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
