#include "jobs/job_path.h"

#include "helper.h"

#define ROOTS "/v1/jobs,/api/v1/videos"

static void expect(const char *target, enum job_path_kind kind)
{
    assert_case(target, job_path_parse(ROOTS, target).kind == kind);
}

static void expect_job(const char *target, const char *up_to_id, const char *id, size_t length)
{
    struct job_path path = job_path_parse(ROOTS, target);

    assert_case(target, path.kind == JOB_PATH_JOB);
    assert_case(target, path.id_end == strlen(up_to_id));
    assert_case(target, strncmp(target, up_to_id, path.id_end) == 0);
    assert_case(target, path.id_length == length && memcmp(path.id, id, length) == 0);
}

static void a_root_is_the_list_with_a_slash_too(void **state)
{
    (void)state;
    expect("/v1/jobs", JOB_PATH_LIST);
    expect("/v1/jobs/", JOB_PATH_LIST);
    expect("/v1/jobs?limit=3", JOB_PATH_LIST);
    expect("/v1/jobs/?a=/v1/jobs/b", JOB_PATH_LIST);
    expect("/api/v1/videos", JOB_PATH_LIST);
}

static void other_paths_are_none(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "",          "/",           "/v1",         "/v1/job",
        "/v1/jobsx", "/v1/jobs2/x", "/V1/jobs/x",  "/api/v1/jobs/x",
        "v1/jobs/x", "/v1/jobs//x", "//v1/jobs/x", "?/v1/jobs/x"};

    for (size_t i = 0; i < COUNT(targets); i++)
        expect(targets[i], JOB_PATH_NONE);
}

static void an_id_is_what_is_between_slashes(void **state)
{
    (void)state;
    expect_job("/v1/jobs/abc", "/v1/jobs/abc", "abc", 3);
    expect_job("/v1/jobs/abc/", "/v1/jobs/abc", "abc", 3);
    expect_job("/v1/jobs/abc/content/more?x=/y", "/v1/jobs/abc", "abc", 3);
    expect_job("/v1/jobs/abc?x=/y", "/v1/jobs/abc", "abc", 3);
    expect_job("/api/v1/videos/v_1", "/api/v1/videos/v_1", "v_1", 3);
    expect_job("/v1/jobs/a..b", "/v1/jobs/a..b", "a..b", 4);
    expect_job("/v1/jobs/...", "/v1/jobs/...", "...", 3);
}

static void an_id_is_decoded(void **state)
{
    (void)state;
    expect_job("/v1/jobs/a%2Fb%25c", "/v1/jobs/a%2Fb%25c", "a/b%c", 5);
    expect_job("/v1/jobs/%C3%a4+b/x", "/v1/jobs/%C3%a4+b", "\xc3\xa4+b", 4);
    expect_job("/v1/jobs/%252e%252e/x", "/v1/jobs/%252e%252e", "%2e%2e", 6);
}

static void what_is_not_percent_encoded_is_none(void **state)
{
    (void)state;
    static const char *const targets[] = {"/v1/jobs/%", "/v1/jobs/a%2", "/v1/jobs/%zz",
                                          "/v1/jobs/%2g/x", "/v1/jobs/a/%1"};

    for (size_t i = 0; i < COUNT(targets); i++)
        expect(targets[i], JOB_PATH_NONE);
}

static void what_may_become_another_path_is_none(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/v1/jobs/..",           "/v1/jobs/.",      "/v1/jobs/a/..",       "/v1/jobs/a/../b",
        "/v1/jobs/./b",          "/v1/jobs/%2e%2E", "/v1/jobs/a%2f..%2fb", "/v1/jobs/a/..;/b",
        "/v1/jobs/a/.;/b",       "/v1/jobs/a\\b",   "/v1/jobs/a%5Cb",      "/v1/jobs/a%00",
        "/v1/jobs/a/%2e%2e?x=1",
    };

    for (size_t i = 0; i < COUNT(targets); i++)
        expect(targets[i], JOB_PATH_NONE);
}

static void a_longer_id_is_known_by_its_text_only(void **state)
{
    (void)state;
    char target[3 * JOB_ID_MAX + sizeof("/v1/jobs/")] = "/v1/jobs/";
    size_t length = strlen(target);

    for (size_t i = 0; i < JOB_ID_MAX; i++)
        length += (size_t)snprintf(target + length, sizeof(target) - length, "%%%02X", 'x');
    struct job_path path = job_path_parse(ROOTS, target);
    assert_int_equal(path.id_length, JOB_ID_MAX);
    target[length] = '\0';
    char longer[sizeof(target) + 1];
    snprintf(longer, sizeof(longer), "%sx", target);
    path = job_path_parse(ROOTS, longer);
    assert_int_equal(path.kind, JOB_PATH_JOB);
    assert_int_equal(path.id_length, 0);
    assert_int_equal(path.id_end, length + 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_is_the_list_with_a_slash_too),
        cmocka_unit_test(other_paths_are_none),
        cmocka_unit_test(an_id_is_what_is_between_slashes),
        cmocka_unit_test(an_id_is_decoded),
        cmocka_unit_test(what_is_not_percent_encoded_is_none),
        cmocka_unit_test(what_may_become_another_path_is_none),
        cmocka_unit_test(a_longer_id_is_known_by_its_text_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
