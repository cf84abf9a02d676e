#include "names/numbers.h"

#include "config_helper.h"

#define POOL 40
#define HISTORIES 300
#define STEPS 60

static struct config *named_config(const char *const *texts)
{
    struct settings settings = {0};
    struct errors errors = {0};

    settings_add(&settings, "INSTANCES_FILE", "/nowhere/instances", "test");
    settings_add(&settings, "HAPROXY_SOCKET", "/nowhere/haproxy.sock", "test");
    for (; *texts != NULL; texts++) {
        const char *equals = strchr(*texts, '=');
        char *name = strndup(*texts, (size_t)(equals - *texts));
        settings_add(&settings, name, equals + 1, "test");
        free(name);
    }
    struct config *config = config_from_settings(&settings, &errors);
    settings_free(&settings);
    assert_no_errors(&errors);
    errors_free(&errors);
    return config;
}

static const char *const nobody[] = {NULL};

/* Assigns to URLs that end in NULL, all by one origin. */
static void assign(struct found_list *list, const char *const *urls, const char *const *named,
                   int64_t now_s)
{
    struct config *config = named_config(named);
    struct wanted wanted[POOL];
    size_t count = 0;

    for (; urls[count] != NULL; count++)
        wanted[count] = (struct wanted){.url = urls[count], .origin = "/list"};
    const struct numbers_plan plan = {.config = config, .now_s = now_s};
    assert_int_equal(numbers_assign(list, wanted, count, &plan), 0);
    config_free(config);
}

/* "1 http://a;2 http://b leaving 7;" */
static void assert_list(const struct found_list *list, const char *expected)
{
    char text[512] = "";
    size_t length = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct found *found = &list->items[i];
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%u %s", found->number,
                                   found->url);
        if (found->left_s != 0)
            length += (size_t)snprintf(text + length, sizeof(text) - length, " leaving %d",
                                       (int)found->left_s);
        length += (size_t)snprintf(text + length, sizeof(text) - length, ";");
    }
    assert_string_equal(text, expected);
}

#define URLS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

static void the_first_get_the_lowest_numbers_in_their_order(void **state)
{
    struct found_list list = {0};

    (void)state;
    assign(&list, URLS("http://c", "http://a", "http://b"), nobody, 1);
    assert_list(&list, "1 http://c;2 http://a;3 http://b;");
    found_free(&list);
}

static void numbers_of_instance_n_url_are_not_free(void **state)
{
    struct found_list list = {0};

    (void)state;
    assign(&list, URLS("http://c", "http://a", "http://b"),
           URLS("INSTANCE_1_URL=http://x", "INSTANCE_3_URL=http://y"), 1);
    assert_list(&list, "2 http://c;4 http://a;5 http://b;");
    found_free(&list);
}

static void one_that_stays_keeps_its_number_and_one_that_is_gone_is_leaving(void **state)
{
    struct found_list list = {0};

    (void)state;
    assign(&list, URLS("http://a", "http://b", "http://c"), nobody, 1);
    assign(&list, URLS("http://d", "http://c"), nobody, 5);
    assert_list(&list, "1 http://a leaving 5;2 http://b leaving 5;3 http://c;4 http://d;");
    /* Since when it is leaving doesn't move. */
    assign(&list, URLS("http://d", "http://c", "http://b"), nobody, 9);
    assert_list(&list, "1 http://a leaving 5;2 http://b;3 http://c;4 http://d;");
    found_free(&list);
}

static void one_that_was_never_in_force_is_gone_at_once(void **state)
{
    char *urls[] = {(char *)"http://c", (char *)"http://b"};
    const struct url_list in_force = {.urls = urls, .count = 2};
    struct config *config = named_config(nobody);
    const struct numbers_plan plan = {.config = config, .in_force = &in_force, .now_s = 5};
    const struct wanted wanted = {"http://d", "/list"};
    struct found_list list = {0};

    (void)state;
    assign(&list, URLS("http://a", "http://b", "http://c", "http://d"), nobody, 1);
    numbers_assign(&list, &wanted, 1, &plan);
    assert_list(&list, "2 http://b leaving 5;3 http://c leaving 5;4 http://d;");
    found_free(&list);
    config_free(config);
}

static void a_number_is_free_once_its_instance_is_taken_out(void **state)
{
    struct found_list list = {0};

    (void)state;
    assign(&list, URLS("http://a", "http://b"), nobody, 1);
    assign(&list, URLS("http://b"), nobody, 2);
    numbers_take_out(&list, 2); /* it isn't leaving */
    assert_list(&list, "1 http://a leaving 2;2 http://b;");
    numbers_take_out(&list, 1);
    numbers_take_out(&list, 7);
    assert_list(&list, "2 http://b;");
    assign(&list, URLS("http://b", "http://c"), nobody, 3);
    assert_list(&list, "1 http://c;2 http://b;");
    found_free(&list);
}

static void an_instance_n_url_takes_its_number_and_its_url(void **state)
{
    struct found_list list = {0};

    (void)state;
    assign(&list, URLS("http://a", "http://b", "http://c"), nobody, 1);
    /* Another one's number: the found one moves. */
    assign(&list, URLS("http://a", "http://b", "http://c"), URLS("INSTANCE_1_URL=http://x"), 2);
    assert_list(&list, "2 http://b;3 http://c;4 http://a;");
    /* Its own URL: it is that instance. */
    assign(&list, URLS("http://a", "http://b", "http://c"),
           URLS("INSTANCE_1_URL=http://x", "INSTANCE_9_URL=http://b"), 3);
    assert_list(&list, "3 http://c;4 http://a;");
    /* And the other way round: a found one again, with a number that is free. */
    assign(&list, URLS("http://a", "http://b", "http://c"), nobody, 4);
    assert_list(&list, "1 http://b;3 http://c;4 http://a;");
    /* One that is leaving moves too. */
    assign(&list, NONE, URLS("INSTANCE_3_URL=http://x"), 5);
    assert_list(&list, "1 http://b leaving 5;2 http://c leaving 5;4 http://a leaving 5;");
    found_free(&list);
}

static void one_of_several_sources_is_one_instance(void **state)
{
    struct config *config = named_config(nobody);
    const struct wanted wanted[] = {
        {"http://a", "http://name"}, {"http://b", "/list"}, {"http://a", "/list"}};
    const struct numbers_plan plan = {.config = config, .now_s = 1};
    struct found_list list = {0};

    (void)state;
    numbers_assign(&list, wanted, 3, &plan);
    assert_list(&list, "1 http://a;2 http://b;");
    assert_string_equal(list.items[0].origin, "http://name");
    /* The name has it no more, the file does. */
    numbers_assign(&list, wanted + 1, 2, &plan);
    assert_list(&list, "1 http://a;2 http://b;");
    assert_string_equal(list.items[0].origin, "/list");
    found_free(&list);
    config_free(config);
}

static void there_are_never_more_than_are_supported(void **state)
{
    static char urls[INSTANCES_MAX + 3][32];
    static struct wanted wanted[INSTANCES_MAX + 3];
    const char *const named[] = {"INSTANCE_7_URL=http://x", NULL};
    struct config *config = named_config(named);
    const struct numbers_plan plan = {.config = config, .now_s = 1};
    struct found_list list = {0};

    (void)state;
    for (size_t i = 0; i < INSTANCES_MAX + 3; i++) {
        snprintf(urls[i], sizeof(urls[i]), "http://h%zu", i);
        wanted[i] = (struct wanted){.url = urls[i], .origin = "/list"};
    }
    assert_int_equal(numbers_assign(&list, wanted, INSTANCES_MAX + 3, &plan), 4);
    assert_int_equal(list.count, INSTANCES_MAX - 1);
    found_free(&list);
    config_free(config);
}

/* --- Random histories, judged by what the header says --- */

struct world {
    char urls[POOL][32];
    bool is_wanted[POOL];
    unsigned named[POOL]; /* the N of INSTANCE_N_URL with that URL; 0: none */
    bool was_there[POOL];
    unsigned number[POOL]; /* as it was; 0: none */
};

static unsigned random_below(unsigned *seed, unsigned bound)
{
    return (unsigned)rand_r(seed) % bound;
}

static void change(struct world *world, unsigned *seed)
{
    bool is_taken[POOL + 1] = {0};

    for (size_t i = 0; i < POOL; i++) {
        if (random_below(seed, 6) == 0)
            world->is_wanted[i] = !world->is_wanted[i];
        if (random_below(seed, 30) == 0)
            world->named[i] = world->named[i] == 0 ? 1 + random_below(seed, POOL) : 0;
        if (is_taken[world->named[i]])
            world->named[i] = 0;
        is_taken[world->named[i]] = world->named[i] != 0;
    }
}

static struct config *config_of_world(const struct world *world)
{
    char *texts[POOL + 1] = {0};
    size_t count = 0;

    for (size_t i = 0; i < POOL; i++) {
        if (world->named[i] != 0)
            assert_true(asprintf(&texts[count++], "INSTANCE_%u_URL=%s", world->named[i],
                                 world->urls[i]) > 0);
    }
    struct config *config = named_config((const char *const *)texts);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    return config;
}

static bool is_named(const struct world *world, unsigned number)
{
    for (size_t i = 0; i < POOL; i++) {
        if (world->named[i] == number)
            return true;
    }
    return false;
}

static void judge_one(const struct world *world, size_t i, const struct found *found)
{
    if (world->named[i] != 0) {
        assert_null(found);
        return;
    }
    if (world->is_wanted[i])
        assert_true(found != NULL && found->left_s == 0);
    if (!world->is_wanted[i] && found != NULL)
        assert_true(found->left_s != 0);
    if (found == NULL) {
        assert_false(world->was_there[i]); /* it would be leaving */
        return;
    }
    assert_false(is_named(world, found->number));
    if (world->number[i] != 0 && !is_named(world, world->number[i]))
        assert_int_equal(found->number, world->number[i]);
}

static void judge(struct world *world, const struct found_list *list)
{
    bool is_used[INSTANCE_NUMBER_MAX + 1] = {0};
    unsigned highest = 0;
    unsigned in_use = 0;

    for (size_t i = 0; i < list->count; i++) {
        assert_false(is_used[list->items[i].number]);
        is_used[list->items[i].number] = true;
        assert_true(i == 0 || list->items[i - 1].number < list->items[i].number);
        highest = list->items[i].number;
    }
    for (size_t i = 0; i < POOL; i++) {
        const struct found *found = NULL;
        for (size_t j = 0; j < list->count; j++) {
            if (strcmp(list->items[j].url, world->urls[i]) == 0)
                found = &list->items[j];
        }
        judge_one(world, i, found);
        world->was_there[i] = found != NULL && found->left_s == 0;
        world->number[i] = found == NULL ? 0 : found->number;
        in_use += found != NULL || world->named[i] != 0;
    }
    /* The lowest that is free: so never beyond what all of them could need. */
    assert_true(highest <= 2 * POOL && in_use <= POOL);
}

static void take_some_out(struct world *world, struct found_list *list, unsigned *seed)
{
    for (size_t i = 0; i < POOL; i++) {
        if (world->number[i] == 0 || world->is_wanted[i] || random_below(seed, 3) != 0)
            continue;
        numbers_take_out(list, world->number[i]);
        world->number[i] = 0;
    }
}

static void live(unsigned seed)
{
    static struct world world;
    struct found_list list = {0};

    memset(&world, 0, sizeof(world));
    for (size_t i = 0; i < POOL; i++)
        snprintf(world.urls[i], sizeof(world.urls[i]), "http://10.0.0.%zu", i);
    for (int64_t step = 1; step <= STEPS; step++) {
        struct wanted wanted[POOL];
        size_t count = 0;
        change(&world, &seed);
        for (size_t i = 0; i < POOL; i++) {
            if (world.is_wanted[i])
                wanted[count++] = (struct wanted){.url = world.urls[i], .origin = "/list"};
        }
        struct config *config = config_of_world(&world);
        const struct numbers_plan plan = {.config = config, .now_s = step};
        assert_int_equal(numbers_assign(&list, wanted, count, &plan), 0);
        judge(&world, &list);
        config_free(config);
        take_some_out(&world, &list, &seed);
    }
    found_free(&list);
}

static void a_number_never_changes_while_its_address_is_there(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= HISTORIES; seed++)
        live(seed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_get_the_lowest_numbers_in_their_order),
        cmocka_unit_test(numbers_of_instance_n_url_are_not_free),
        cmocka_unit_test(one_that_stays_keeps_its_number_and_one_that_is_gone_is_leaving),
        cmocka_unit_test(one_that_was_never_in_force_is_gone_at_once),
        cmocka_unit_test(a_number_is_free_once_its_instance_is_taken_out),
        cmocka_unit_test(an_instance_n_url_takes_its_number_and_its_url),
        cmocka_unit_test(one_of_several_sources_is_one_instance),
        cmocka_unit_test(there_are_never_more_than_are_supported),
        cmocka_unit_test(a_number_never_changes_while_its_address_is_there),
    };

    return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
