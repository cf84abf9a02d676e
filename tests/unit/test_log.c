#include <unistd.h>

#include "helper.h"
#include "log.h"

#define OUTPUT_MAX 8192

static char output[OUTPUT_MAX];
static FILE *caught;
static int standard_error;

static void catch_start(void)
{
    caught = tmpfile();
    assert_non_null(caught);
    fflush(stderr);
    standard_error = dup(STDERR_FILENO);
    assert_true(standard_error >= 0);
    assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
}

/* What was written to standard error since catch_start(). */
static const char *catch_end(void)
{
    assert_true(dup2(standard_error, STDERR_FILENO) >= 0);
    close(standard_error);
    rewind(caught);
    size_t length = fread(output, 1, sizeof(output) - 1, caught);
    output[length] = '\0';
    fclose(caught);
    return output;
}

/* What follows the time in a line that is one line, and whole. */
static const char *message_of(const char *line)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
    size_t length = strlen(line);

    assert_true(length > strlen(form));
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], form[i]);
    }
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    return line + strlen(form);
}

static void a_line_has_time_level_and_message(void **state)
{
    (void)state;
    log_set_level(LOG_DEBUG);
    catch_start();
    log_info("instance=%s%u is %s", "instance", 1, "here");
    assert_string_equal(message_of(catch_end()), "INFO instance=instance1 is here\n");
    catch_start();
    log_error("x");
    assert_string_equal(message_of(catch_end()), "ERROR x\n");
}

static void lines_below_the_level_are_dropped(void **state)
{
    static const size_t lines[] = {
        [LOG_DEBUG] = 4, [LOG_INFO] = 3, [LOG_WARNING] = 2, [LOG_ERROR] = 1};

    (void)state;
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
        log_set_level((enum log_level)level);
        catch_start();
        log_debug("a");
        log_info("b");
        log_warning("c");
        log_error("d");
        const char *text = catch_end();
        size_t count = 0;
        for (; *text != '\0'; text++)
            count += *text == '\n';
        assert_int_equal(count, lines[level]);
    }
}

static void control_characters_can_not_forge_a_line(void **state)
{
    char text[33];

    (void)state;
    for (char c = 1; c < 0x20; c++)
        text[c - 1] = c;
    memcpy(text + 31, "\x7f", 2);
    log_set_level(LOG_INFO);
    catch_start();
    log_warning("got \"%s\"", text);
    assert_string_equal(message_of(catch_end()),
                        "WARNING got \"????????????????????????????????\"\n");
    catch_start();
    log_warning("a\n2026-01-01T00:00:00.000Z ERROR forged\r\n");
    assert_string_equal(message_of(catch_end()),
                        "WARNING a?2026-01-01T00:00:00.000Z ERROR forged??\n");
}

/* U+0085 begins a line, U+009B a terminal's command, as well as their ASCII forms do. */
static void control_characters_beyond_ascii_are_replaced_too(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    catch_start();
    log_warning("a\xc2\x85z");
    const char *message = message_of(catch_end());
    assert_null(strstr(message, "\xc2\x85"));
    catch_start();
    log_warning("a\xc2\x9b"
                "31mz");
    message = message_of(catch_end());
    assert_null(strstr(message, "\xc2\x9b"));
}

static void a_message_in_utf_8_is_kept(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    catch_start();
    log_info("%s", "/tmp/gr\xc3\xbc\xc3\x9f"
                   "e");
    assert_string_equal(message_of(catch_end()), "INFO /tmp/gr\xc3\xbc\xc3\x9f"
                                                 "e\n");
}

static void a_message_too_long_is_cut_and_still_one_line(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    log_set_level(LOG_INFO);
    catch_start();
    log_info("%s", text);
    const char *message = message_of(catch_end());
    assert_in_range(strlen(message), 1000, 2048);
    assert_int_equal(strncmp(message, "INFO xxx", 8), 0);
}

static void a_line_that_can_not_be_written_is_dropped(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    catch_start();
    close(STDERR_FILENO);
    log_error("nobody reads this");
    assert_string_equal(catch_end(), "");
}

static void levels_are_named_in_any_case(void **state)
{
    static const struct {
        const char *text;
        enum log_level level;
    } good[] = {
        {"DEBUG", LOG_DEBUG}, {"info", LOG_INFO}, {"Warning", LOG_WARNING}, {"eRROR", LOG_ERROR}};
    static const char *const bad[] = {"", "warn", "errors", " INFO", "INFO ", "0", "none"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        enum log_level level;
        assert_case(good[i].text, log_level_parse(good[i].text, &level));
        assert_case(good[i].text, level == good[i].level);
        assert_true(log_level_parse(log_level_name(level), &level) && level == good[i].level);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        enum log_level level = LOG_WARNING;
        assert_case(bad[i], !log_level_parse(bad[i], &level));
        assert_case(bad[i], level == LOG_WARNING);
    }
    assert_string_equal(log_level_name(LOG_WARNING), "WARNING");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_and_message),
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(control_characters_can_not_forge_a_line),
        cmocka_unit_test(control_characters_beyond_ascii_are_replaced_too),
        cmocka_unit_test(a_message_in_utf_8_is_kept),
        cmocka_unit_test(a_message_too_long_is_cut_and_still_one_line),
        cmocka_unit_test(a_line_that_can_not_be_written_is_dropped),
        cmocka_unit_test(levels_are_named_in_any_case),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
