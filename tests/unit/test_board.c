#include "status/board.h"

#include "helper.h"
#include "status/shorten.h"

static void ages_have_four_characters(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{-1, "-"},       {0, "0.0s"},    {9.94, "9.9s"},  {9.95, "10s"},
                 {99.4, "99s"},   {99.6, "2m"},   {5969, "99m"},   {5970, "2h"},
                 {170000, "47h"}, {171000, "2d"}, {8.64e6, "100d"}};
    char text[SHORT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        shorten_age(cases[i].seconds, text);
        assert_case_text(cases[i].text, text, cases[i].text);
    }
}

static void counts_have_six_characters_at_most(void **state)
{
    static const struct {
        double count;
        const char *text;
        const char *pace;
    } cases[] = {{0, "0", "0"},
                 {3.4, "3", "3.4"},
                 {9.96, "10", "10"},
                 {99999, "99999", "99999"},
                 {100000, "100k", "100k"},
                 {16777216, "16777k", "16777k"},
                 {1e9, "1000M", "1000M"}};
    char text[SHORT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        shorten_count(cases[i].count, text);
        assert_case_text(cases[i].text, text, cases[i].text);
        shorten_pace(cases[i].count, text);
        assert_case_text(cases[i].text, text, cases[i].pace);
    }
}

static void texts_are_cut_to_their_columns(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
        bool in_the_middle;
        bool has_utf8;
        const char *expected;
    } cases[] = {
        {"10.0.0.5:8000", 13, true, true, "10.0.0.5:8000"},
        {"10.0.0.5:8000", 12, true, true, "10.0.0\xe2\x80\xa6:8000"},
        {"10.0.0.5:8000", 12, true, false, "10.0...:8000"},
        {"10.0.0.5:8000", 8, false, false, "10.0.0.."},
        {"10.0.0.5:8000", 8, false, true, "10.0.0.\xe2\x80\xa6"},
        {"ab", 1, true, true, "a"},
        {"abc", 2, true, false, "ab"},
        {"abc", 0, true, true, ""},
        {"", 0, true, true, ""},
        {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 4, false, true, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3, false, true, "\xc3\xa4\xc3\xb6\xe2\x80\xa6"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = malloc(strlen(cases[i].text) + 3);
        assert_non_null(text);
        memcpy(text, cases[i].text, strlen(cases[i].text) + 1);
        shorten_text(text, cases[i].columns, cases[i].in_the_middle, cases[i].has_utf8);
        assert_case_text(cases[i].expected, text, cases[i].expected);
        assert_true(shorten_columns(text) <= cases[i].columns);
        free(text);
    }
}

static struct fleet_instance instance(unsigned number, double load)
{
    return (struct fleet_instance){.number = number,
                                   .url = "http://a-gpu.example.com:8000",
                                   .is_healthy = true,
                                   .capacity = 1,
                                   .load = load,
                                   .in_flight = load,
                                   .report_age_s = 0.4};
}

/* What is printed, the caller's to free(); each line is checked to be no longer than there is room.
 */
static char *print(const struct fleet_view *view, struct board_style style)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);

    assert_non_null(memory);
    board_print(memory, view, &style);
    assert_int_equal(fclose(memory), 0);
    char *copy = strdup(text);
    int rows = 0;
    for (char *rest = copy, *line; (line = strsep(&rest, "\n")) != NULL && rest != NULL; rows++)
        assert_case(line, (int)shorten_columns(line) <= style.columns);
    free(copy);
    if (style.rows > 0)
        assert_true(rows <= style.rows);
    return text;
}

static void whatever_the_width_no_line_is_longer(void **state)
{
    struct fleet_instance all[] = {instance(1, 0), instance(22, 16777216), instance(333, 12)};
    struct fleet_view view = {.instances = all, .count = 3, .has_haproxy = true};

    (void)state;
    all[1].error = "connection failed: a message that is much longer than any column of a terminal";
    all[1].penalty = 1e9;
    all[2].is_healthy = false;
    all[2].error = "timed out";
    for (int columns = BOARD_COLUMNS_MIN; columns < 200; columns++) {
        free(print(&view, (struct board_style){.columns = columns, .has_utf8 = columns % 2 == 0}));
        view.has_haproxy = columns % 3 == 0;
        view.haproxy_problem = columns % 5 == 0 ? "no answer in time, and more of it" : NULL;
    }
}

static void states_are_words_and_the_worst_come_first_if_asked(void **state)
{
    struct fleet_instance all[] = {instance(1, 0), instance(2, 1), instance(3, 2),
                                   instance(4, 3), instance(5, 4), instance(6, 9)};
    const struct fleet_view view = {.instances = all, .count = 6, .has_haproxy = true};
    static const char *const words[] = {"\n6 unhealthy", "\n5 maint", "\n4 drained",
                                        "\n3 failing",   "\n2 busy",  "\n1 healthy"};

    (void)state;
    all[1].is_busy = true;
    all[1].error = "busy: no answer while it works";
    all[2].error = "timed out";
    all[3].is_drained = true;
    all[4].is_in_maintenance = true;
    all[4].is_drained = true;
    all[5].is_healthy = false;
    all[5].is_drained = true;
    char *text = print(&view, (struct board_style){.columns = 80, .sort = BOARD_BY_STATE});
    const char *before = text;
    for (size_t i = 0; i < COUNT(words); i++) {
        const char *found = strstr(text, words[i]);
        assert_case(words[i], found != NULL && found > before);
        before = found;
    }
    assert_contains(text, "5 of 6 instances healthy, 2 taken out; ");
    free(text);
    all[3].is_leaving = true;
    text = print(&view, (struct board_style){.columns = 80});
    assert_contains(text, "\n4 leaving ");
    free(text);
    text = print(&view, (struct board_style){.columns = 80, .sort = BOARD_BY_LOAD});
    assert_true(strstr(text, "\n6 ") < strstr(text, "\n5 "));
    assert_true(strstr(text, "\n2 ") < strstr(text, "\n1 "));
    free(text);
}

static void what_has_no_room_is_summed_up(void **state)
{
    struct fleet_instance all[300];
    const struct fleet_view view = {.instances = all, .count = COUNT(all), .has_haproxy = true};

    (void)state;
    for (unsigned i = 0; i < COUNT(all); i++)
        all[i] = instance(i + 1, 0);
    all[299].is_healthy = false;
    for (int rows = 4; rows < 320; rows++) {
        char *text = print(&view, (struct board_style){.columns = 80, .rows = rows});
        char rest[80];
        /* Sums, heads, and the line for the rest. */
        snprintf(rest, sizeof(rest), "\nand %d more, 1 of them not healthy", 300 - (rows - 3));
        if (rows < 302)
            assert_contains(text, rest);
        else
            assert_null(strstr(text, " more, "));
        free(text);
    }
}

static void nothing_is_coloured_unless_it_is_wanted(void **state)
{
    struct fleet_instance one = instance(1, 0);
    const struct fleet_view view = {.instances = &one, .count = 1, .has_haproxy = true};

    (void)state;
    char *text = print(&view, (struct board_style){.columns = 80});
    assert_null(strchr(text, '\033'));
    free(text);
    text = print(&view, (struct board_style){.columns = 150, .has_colours = true});
    assert_contains(text, "\033[32mhealthy\033[0m");
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ages_have_four_characters),
        cmocka_unit_test(counts_have_six_characters_at_most),
        cmocka_unit_test(texts_are_cut_to_their_columns),
        cmocka_unit_test(whatever_the_width_no_line_is_longer),
        cmocka_unit_test(states_are_words_and_the_worst_come_first_if_asked),
        cmocka_unit_test(what_has_no_room_is_summed_up),
        cmocka_unit_test(nothing_is_coloured_unless_it_is_wanted),
    };

    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
