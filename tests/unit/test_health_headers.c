#include <sys/stat.h>
#include <unistd.h>

#include "config_helper.h"
#include "health_headers.h"

static char path[] = "/tmp/leastjobs-headers-XXXXXX";

/* Reads these bytes as HEALTH_HEADERS_FILE. The caller frees both. */
static struct config *read_file(const char *bytes, size_t length, struct errors *errors)
{
    char setting[64];
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
    snprintf(setting, sizeof(setting), "HEALTH_HEADERS_FILE=%s", path);
    struct config *config = load_good((variables){"INSTANCE_1_URL=http://a", setting});
    health_headers_read(config, errors);
    return config;
}

static void header_fields_are_read_one_a_line(void **state)
{
    static const char text[] = "# a comment\n\nAuthorization: Bearer a.b-c_d~e+f/g=\r\nX-A:b\n"
                               "x!#$%&'*+-.^_`|~9:  two words\t \nLast: 1";
    struct errors errors = {0};
    struct config *config = read_file(text, strlen(text), &errors);

    (void)state;
    assert_no_errors(&errors);
    assert_int_equal(errors.warning_count, 0);
    assert_int_equal(config->health_header_count, 4);
    assert_string_equal(config->health_headers[0], "Authorization: Bearer a.b-c_d~e+f/g=");
    assert_string_equal(config->health_headers[1], "X-A:b");
    assert_string_equal(config->health_headers[2], "x!#$%&'*+-.^_`|~9:  two words");
    assert_string_equal(config->health_headers[3], "Last: 1");
    config_free(config);
}

static void what_is_no_header_field_is_refused_without_being_shown(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"secret", "expected a header field"},
        {": secret", "expected a header field"},
        {"X secret: a", "expected a header field"},
        {" X: secret", "expected a header field"},
        {"X\xc3\xa4: secret", "expected a header field"},
        {"X:", "has no value"},
        {"X: \t", "has no value"},
        {"X: secret\x01", "control character"},
        {"X: secret\x7f", "control character"},
        {"X: secret\rY: b", "control character"},
        {"X: secr\xc3\xa9t", "control character"},
        {"Host: secret", "the agent's own to set"},
        {"content-length: 5", "the agent's own to set"},
        {"Transfer-Encoding: chunked", "the agent's own to set"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct errors errors = {0};
        char text[128];
        int length = snprintf(text, sizeof(text), "X-Good: 1\n%s\n", cases[i].text);
        struct config *config = read_file(text, (size_t)length, &errors);
        if (errors.count != 1)
            fail_msg("\"%s\": %zu errors", cases[i].text, errors.count);
        assert_contains(errors.errors[0], ": line 2: ");
        assert_contains(errors.errors[0], cases[i].why);
        assert_null(strstr(errors.errors[0], "secr"));
        config_free(config);
        errors_free(&errors);
    }
}

static void a_nul_is_no_part_of_a_field(void **state)
{
    struct errors errors = {0};
    struct config *config = read_file("X: a\0b\n", 7, &errors);

    (void)state;
    assert_int_equal(errors.count, 1);
    config_free(config);
    errors_free(&errors);
}

static void fields_and_bytes_have_a_bound(void **state)
{
    char text[HEALTH_HEADERS_BYTES_MAX + 2];
    struct errors errors = {0};
    size_t length = 0;

    (void)state;
    for (int i = 0; i < HEALTH_HEADERS_MAX + 1; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "X-%d: 1\n", i);
    struct config *config = read_file(text, length, &errors);
    assert_int_equal(config->health_header_count, HEALTH_HEADERS_MAX);
    assert_error(&errors, "line 33: at most 32 header fields");
    config_free(config);
    errors_free(&errors);
    memset(text, 'a', sizeof(text));
    text[1] = ':';
    config = read_file(text, HEALTH_HEADERS_BYTES_MAX, &errors);
    assert_no_errors(&errors);
    config_free(config);
    config = read_file(text, HEALTH_HEADERS_BYTES_MAX + 1, &errors);
    assert_error(&errors, "longer than 16384 bytes");
    config_free(config);
    errors_free(&errors);
}

static void a_file_that_is_not_there_everybodys_or_empty_is_told(void **state)
{
    struct errors errors = {0};
    struct config *config = read_file("X: a\n", 5, &errors);

    (void)state;
    assert_int_equal(errors.warning_count, 0);
    config_free(config);
    config = read_file("# nothing\n", 10, &errors);
    assert_true(warnings_have(&errors, "has no header field"));
    assert_int_equal(chmod(path, 0604), 0);
    health_headers_read(config, &errors);
    assert_true(warnings_have(&errors, "everybody on this machine can read it"));
    assert_int_equal(unlink(path), 0);
    health_headers_read(config, &errors);
    assert_error(&errors, "can't be read");
    config_free(config);
    errors_free(&errors);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_fields_are_read_one_a_line),
        cmocka_unit_test(what_is_no_header_field_is_refused_without_being_shown),
        cmocka_unit_test(a_nul_is_no_part_of_a_field),
        cmocka_unit_test(fields_and_bytes_have_a_bound),
        cmocka_unit_test(a_file_that_is_not_there_everybodys_or_empty_is_told),
    };

    return cmocka_run_group_tests_name("health_headers", tests, make_file, remove_file);
}
