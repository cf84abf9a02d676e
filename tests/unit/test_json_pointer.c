#include "helper.h"
#include "sources/json_pointer.h"

/* The document of RFC 6901 section 5. */
static const char rfc_document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
    "\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";

/* What a pointer leads to, as JSON text; NULL: nowhere. */
struct pointer_case {
    const char *pointer;
    const char *found;
};

static const cJSON *find(const cJSON *root, const char *pointer)
{
    size_t length = strlen(pointer);
    char *copy = exact_copy(pointer, length);
    const cJSON *item = json_pointer_find(root, copy, length);

    free(copy);
    return item;
}

static void check_pointers(const char *document, const struct pointer_case *cases, size_t count)
{
    cJSON *root = cJSON_Parse(document);

    assert_non_null(root);
    for (size_t i = 0; i < count; i++) {
        const cJSON *item = find(root, cases[i].pointer);
        if (cases[i].found == NULL) {
            assert_case(cases[i].pointer, item == NULL);
            continue;
        }
        assert_case(cases[i].pointer, item != NULL);
        char *text = cJSON_PrintUnformatted(item);
        assert_case_text(cases[i].pointer, text, cases[i].found);
        free(text);
    }
    cJSON_Delete(root);
}

static void the_examples_of_rfc_6901_section_5_are_found(void **state)
{
    static const struct pointer_case cases[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
    };

    (void)state;
    check_pointers(rfc_document, cases, COUNT(cases));
}

static void the_empty_pointer_is_the_whole_document(void **state)
{
    cJSON *root = cJSON_Parse(rfc_document);

    (void)state;
    assert_ptr_equal(json_pointer_find(root, "", 0), root);
    cJSON_Delete(root);
}

static void escapes_are_undone_once_and_in_the_right_order(void **state)
{
    static const char document[] =
        "{\"~\":1,\"/\":2,\"~1\":3,\"~0\":4,\"a/~b\":5,\"/~\":6,\"~/\":7,\"a\":8}";
    static const struct pointer_case cases[] = {
        {"/~0", "1"},     {"/~1", "2"},   {"/~01", "3"},  {"/~00", "4"},
        {"/a~1~0b", "5"}, {"/~1~0", "6"}, {"/~0~1", "7"}, {"/~10", NULL},
    };

    (void)state;
    check_pointers(document, cases, COUNT(cases));
}

/* Section 3: "~" is always followed by 0 or 1, else it isn't a JSON Pointer. */
static void a_tilde_without_0_or_1_leads_nowhere(void **state)
{
    static const char document[] = "{\"a~b\":1,\"a~\":2,\"a~2b\":3,\"~\":4}";
    static const struct pointer_case cases[] = {
        {"/a~2b", NULL}, {"/a~b", NULL}, {"/a~", NULL}, {"/~", NULL}, {"/~~0", NULL}};

    (void)state;
    check_pointers(document, cases, COUNT(cases));
}

static void an_array_index_is_a_number_without_leading_zeros(void **state)
{
    static const char document[] = "{\"a\":[10,11,12,13,14,15,16,17,18,19,20]}";
    static const struct pointer_case cases[] = {
        {"/a/0", "10"},
        {"/a/1", "11"},
        {"/a/10", "20"},
        {"/a/11", NULL},
        {"/a/01", NULL},
        {"/a/00", NULL},
        {"/a/-", NULL},
        {"/a/-1", NULL},
        {"/a/+1", NULL},
        {"/a/", NULL},
        {"/a/1e0", NULL},
        {"/a/0x1", NULL},
        {"/a/ 1", NULL},
        {"/a/1 ", NULL},
        {"/a/1.0", NULL},
        {"/a/99999999", NULL},
        {"/a/4294967296", NULL},
        {"/a/x", NULL},
        {"/a/18446744073709551616", NULL},
    };

    (void)state;
    check_pointers(document, cases, COUNT(cases));
}

static void in_an_object_a_number_is_a_name(void **state)
{
    static const struct pointer_case cases[] = {
        {"/0", "1"}, {"/01", "2"}, {"/-", "3"}, {"/1", NULL}};

    (void)state;
    check_pointers("{\"0\":1,\"01\":2,\"-\":3}", cases, COUNT(cases));
}

static void a_path_goes_through_objects_and_arrays(void **state)
{
    static const struct pointer_case cases[] = {
        {"/a/1/b/0", "7"}, {"/a/0/b", NULL},  {"/a/1/c", NULL}, {"/a/1/b/0/x", NULL},
        {"/a//b", NULL},   {"/a/1/b/", NULL}, {"/a/", NULL},    {"//x", "8"},
    };

    (void)state;
    check_pointers("{\"a\":[1,{\"b\":[7]}],\"\":{\"x\":8}}", cases, COUNT(cases));
}

static void below_a_scalar_there_is_nothing(void **state)
{
    static const struct pointer_case cases[] = {
        {"/n/0", NULL}, {"/s/0", NULL}, {"/t/0", NULL}, {"/z/0", NULL},
        {"/n/", NULL},  {"/s/a", NULL}, {"/z", "null"}, {"/t", "true"},
    };

    (void)state;
    check_pointers("{\"n\":1,\"s\":\"abc\",\"t\":true,\"z\":null}", cases, COUNT(cases));
    check_pointers("3", (const struct pointer_case[]){{"/0", NULL}, {"", "3"}}, 2);
}

static void names_are_compared_byte_by_byte(void **state)
{
    static const struct pointer_case cases[] = {
        {"/Jobs", "1"},   {"/jobs", "2"},     {"/JOBS", NULL},      {"/job", NULL},
        {"/jobss", NULL}, {"/\xc3\xa4", "3"}, {"/a\xcc\x88", NULL},
    };

    (void)state;
    check_pointers("{\"Jobs\":1,\"jobs\":2,\"\xc3\xa4\":3}", cases, COUNT(cases));
}

static void the_first_of_two_members_of_one_name_is_found(void **state)
{
    (void)state;
    check_pointers("{\"a\":1,\"a\":2}", (const struct pointer_case[]){{"/a", "1"}}, 1);
}

static void what_does_not_begin_with_a_slash_leads_nowhere(void **state)
{
    static const struct pointer_case cases[] = {
        {"foo", NULL}, {"#/foo", NULL}, {" /foo", NULL}, {"0", NULL}};

    (void)state;
    check_pointers(rfc_document, cases, COUNT(cases));
}

static void only_length_bytes_of_the_pointer_count(void **state)
{
    cJSON *root = cJSON_Parse("{\"a\":{\"b\":1},\"a,\":2}");

    (void)state;
    const cJSON *whole = json_pointer_find(root, "/a/b,/c", 4);
    const cJSON *part = json_pointer_find(root, "/a/b,/c", 2);
    assert_non_null(whole);
    assert_int_equal(whole->valueint, 1);
    assert_true(cJSON_IsObject(part));
    cJSON_Delete(root);
}

/* A member whose name has `length` times the letter a: is it found? */
static bool finds_name_of(size_t length)
{
    char *text = calloc(1, length + 2);
    cJSON *root = cJSON_CreateObject();

    assert_non_null(text);
    text[0] = '/';
    memset(text + 1, 'a', length);
    cJSON_AddNumberToObject(root, text + 1, 1);
    /* Others that begin alike: a name that was cut short would find one of them. */
    for (size_t i = length < 300 ? 0 : 250; i < length && i < 300; i++) {
        char *shorter = strndup(text + 1, i);
        cJSON_AddNumberToObject(root, shorter, 2);
        free(shorter);
    }
    const cJSON *item = find(root, text);
    bool found = item != NULL;
    if (found)
        assert_int_equal(item->valueint, 1);
    cJSON_Delete(root);
    free(text);
    return found;
}

static void a_name_of_up_to_255_bytes_is_found(void **state)
{
    (void)state;
    assert_true(finds_name_of(1));
    assert_true(finds_name_of(JSON_POINTER_TOKEN_MAX - 1));
}

static void a_name_longer_than_the_limit_leads_nowhere(void **state)
{
    (void)state;
    assert_false(finds_name_of(JSON_POINTER_TOKEN_MAX + 1));
    assert_false(finds_name_of(100000));
}

static void an_escaped_character_counts_as_one(void **state)
{
    char name[JSON_POINTER_TOKEN_MAX];
    char pointer[2 * JSON_POINTER_TOKEN_MAX];
    cJSON *root = cJSON_CreateObject();

    (void)state;
    pointer[0] = '/';
    for (size_t i = 0; i < sizeof(name) - 1; i++) {
        name[i] = '~';
        memcpy(pointer + 1 + 2 * i, "~0", 2);
    }
    name[sizeof(name) - 1] = '\0';
    pointer[1 + 2 * (sizeof(name) - 1)] = '\0';
    cJSON_AddNumberToObject(root, name, 1);
    assert_non_null(find(root, pointer));
    cJSON_Delete(root);
}

static void without_a_document_there_is_nothing(void **state)
{
    (void)state;
    assert_null(json_pointer_find(NULL, "/a", 2));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_6901_section_5_are_found),
        cmocka_unit_test(the_empty_pointer_is_the_whole_document),
        cmocka_unit_test(escapes_are_undone_once_and_in_the_right_order),
        cmocka_unit_test(a_tilde_without_0_or_1_leads_nowhere),
        cmocka_unit_test(an_array_index_is_a_number_without_leading_zeros),
        cmocka_unit_test(in_an_object_a_number_is_a_name),
        cmocka_unit_test(a_path_goes_through_objects_and_arrays),
        cmocka_unit_test(below_a_scalar_there_is_nothing),
        cmocka_unit_test(names_are_compared_byte_by_byte),
        cmocka_unit_test(the_first_of_two_members_of_one_name_is_found),
        cmocka_unit_test(what_does_not_begin_with_a_slash_leads_nowhere),
        cmocka_unit_test(only_length_bytes_of_the_pointer_count),
        cmocka_unit_test(a_name_of_up_to_255_bytes_is_found),
        cmocka_unit_test(a_name_longer_than_the_limit_leads_nowhere),
        cmocka_unit_test(an_escaped_character_counts_as_one),
        cmocka_unit_test(without_a_document_there_is_nothing),
    };

    return cmocka_run_group_tests_name("json_pointer", tests, NULL, NULL);
}
