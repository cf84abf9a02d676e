#include "haproxy/owners.h"

#include "helper.h"

static void expect(const char *id, size_t length, const char *key)
{
    struct owners owners = {0};

    owners_add(&owners, (const unsigned char *)id, length, 3);
    assert_int_equal(owners.count, 1);
    assert_string_equal(owners.list[0].key, key);
    assert_int_equal(owners.list[0].number, 3);
}

/* RFC 4648 section 10. */
static void keys_are_base64(void **state)
{
    (void)state;
    expect("f", 1, "Zg==");
    expect("fo", 2, "Zm8=");
    expect("foo", 3, "Zm9v");
    expect("foob", 4, "Zm9vYg==");
    expect("fooba", 5, "Zm9vYmE=");
    expect("foobar", 6, "Zm9vYmFy");
    expect("\xff\xfe\x00\xfb\xef\xbe", 6, "//4A++++");
}

static void ids_of_another_length_are_left_out(void **state)
{
    (void)state;
    struct owners owners = {0};
    unsigned char id[JOB_ID_MAX + 1] = {0};

    owners_add(&owners, id, 0, 1);
    owners_add(&owners, id, JOB_ID_MAX + 1, 1);
    assert_int_equal(owners.count, 0);
    owners_add(&owners, id, JOB_ID_MAX, 1);
    assert_int_equal(strlen(owners.list[0].key), OWNER_KEY_MAX);
}

static void more_than_so_many_are_left_out(void **state)
{
    (void)state;
    struct owners owners = {0};

    for (unsigned i = 0; i < OWNERS_MAX + 3; i++)
        owners_add(&owners, (const unsigned char *)"x", 1, i);
    assert_int_equal(owners.count, OWNERS_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_base64),
        cmocka_unit_test(ids_of_another_length_are_left_out),
        cmocka_unit_test(more_than_so_many_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
