#include <curl/curl.h>
#include <math.h>
#include <sys/stat.h>

#include "checks/checks.h"
#include "fake_haproxy.h"
#include "fake_instance.h"
#include "farm_helper.h"
#include "log.h"
#include "names.h"

#define SERVERS 3
#define ID_OF_FIRST 2
#define ADMIN_MAINT 1
#define ADMIN_DRAIN 8
#define REFRESH_MS 250
#define QUICK_MS 100 /* a tenth of JOBS_INTERVAL */
#define TEXT_MAX 8192

/* What the HAProxy of the test knows of one instance. */
struct server {
    unsigned open;
    unsigned total;
    unsigned failed_connections;
    unsigned failed_responses;
    unsigned successes;
    unsigned admin;
    unsigned accepted;        /* gpc0 */
    uint32_t told;            /* gpt0 */
    unsigned failed_in_a_row; /* gpc1 */
    uint32_t capacity;        /* of table capacities */
    unsigned penalty;
    bool has_entry;
};

struct world {
    struct fake_haproxy haproxy;
    struct fake_instance instances[SERVERS];
    struct server servers[SERVERS];
    uint32_t mark;
    bool has_mark;
    bool has_no_farm;
    bool has_no_table;
    unsigned mute;                   /* so many questions about one server get no row */
    struct server arriving[SERVERS]; /* what HAProxy has as soon as a check has arrived */
    bool is_arriving;
    struct config *config;
    struct farm *farm;
    struct checks *checks;
};

static void print_rows(FILE *out, const struct world *world, unsigned id)
{
    fputs("# pxname,svname,scur,stot,econ,eresp,hrsp_2xx,status,sid,\n", out);
    if (id == 0)
        fputs("farm,again,0,0,0,0,0,no check,1,\n", out);
    for (unsigned i = 0; i < SERVERS; i++) {
        const struct server *server = &world->servers[i];
        if (id == 0 || id == i + ID_OF_FIRST)
            fprintf(out, "farm,instance%u,%u,%u,%u,%u,%u,UP,%u,\n", i + 1, server->open,
                    server->total, server->failed_connections, server->failed_responses,
                    server->successes, i + ID_OF_FIRST);
    }
    fputs("\n", out);
}

static void print_states(FILE *out, const struct world *world)
{
    fputs("1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state …\n", out);
    for (unsigned i = 0; i < SERVERS; i++)
        fprintf(out, "4 farm %u instance%u 127.0.0.1 2 %u 100 100 7 8 2 0 6 22 0 0 - %u - 0 0\n",
                i + ID_OF_FIRST, i + 1, world->servers[i].admin, world->instances[i].port);
    fputs("\n", out);
}

static void print_entry(FILE *out, const struct world *world, unsigned key)
{
    if (key == 0 && world->has_mark)
        fprintf(out, "0x55: key=0 use=0 exp=99 gpt0=%u gpc0=0\n", world->mark);
    if (key > 0 && key <= SERVERS && world->servers[key - 1].has_entry)
        fprintf(out, "0x55: key=%u use=0 exp=99 gpt0=%u gpc0=%u gpc1=%u\n", key,
                world->servers[key - 1].told, world->servers[key - 1].accepted,
                world->servers[key - 1].failed_in_a_row);
}

static void print_table(FILE *out, const struct world *world, bool is_jobs)
{
    fprintf(out, "# table: %s, type: integer, size:65536, used:1\n", is_jobs ? "jobs" : "failed");
    for (unsigned i = 0; is_jobs && i <= SERVERS; i++)
        print_entry(out, world, i);
    for (unsigned i = 0; !is_jobs && i < SERVERS; i++) {
        if (world->servers[i].penalty > 0)
            fprintf(out, "0x55: key=%u use=0 exp=99 gpt0=%u\n", i + 1, world->servers[i].penalty);
    }
    fputs("\n", out);
}

static void print_capacities(FILE *out, const struct world *world)
{
    fputs("# table: capacities, type: integer, size:65536, used:1\n", out);
    for (unsigned i = 0; i < SERVERS; i++) {
        if (world->servers[i].capacity > 0)
            fprintf(out, "0x55: key=%u use=0 exp=99 gpt0=%u\n", i + 1, world->servers[i].capacity);
    }
    fputs("\n", out);
}

static void set_entry(struct world *world, unsigned key, uint32_t value)
{
    assert_true(key <= SERVERS);
    if (key == 0) {
        world->mark = value;
        world->has_mark = true;
        return;
    }
    world->servers[key - 1].told = value;
    world->servers[key - 1].has_entry = true;
}

/* NOLINTBEGIN(cert-err34-c): what the agent writes, not what somebody types. */
static void print_answer(FILE *out, struct world *world, const char *command)
{
    unsigned key, id;
    uint32_t value;

    if (world->has_no_farm && strncmp(command, "show s", 6) == 0) {
        fputs("No such proxy.\n\n", out);
    } else if (world->has_no_table && strstr(command, "table") != NULL) {
        fputs("No such table\n\n", out);
    } else if (strcmp(command, "show stat farm 4 -1") == 0) {
        print_rows(out, world, 0);
    } else if (sscanf(command, "show stat farm 4 %u", &id) == 1) {
        print_rows(out, world, world->mute > 0 ? 99 : id);
        world->mute -= world->mute > 0;
    } else if (strcmp(command, "show servers state farm") == 0) {
        print_states(out, world);
    } else if (sscanf(command, "show table jobs key %u", &key) == 1) {
        fputs("# table: jobs, type: integer, size:65536, used:1\n", out);
        print_entry(out, world, key);
        fputs("\n", out);
    } else if (strcmp(command, "show table jobs") == 0) {
        print_table(out, world, true);
    } else if (strcmp(command, "show table capacities") == 0) {
        print_capacities(out, world);
    } else if (strcmp(command, "show table failed") == 0) {
        print_table(out, world, false);
    } else if (sscanf(command, "set table jobs key %u data.gpt0 %u", &key, &value) == 2) {
        set_entry(world, key, value);
    } else if (sscanf(command, "set table capacities key %u data.gpt0 %u", &key, &value) == 2) {
        assert_in_range(key, 1, SERVERS);
        world->servers[key - 1].capacity = value;
    } else if (sscanf(command, "set table failed key %u data.gpt0 %u", &key, &value) == 2) {
        world->servers[key - 1].penalty = value;
    } else if (sscanf(command, "set table jobs key %u data.gpc1 %u", &key, &value) == 2) {
        world->servers[key - 1].failed_in_a_row = value;
    } else if (strncmp(command, "set table owners key ", 21) == 0) {
        return;
    } else {
        fail_msg("HAProxy doesn't know \"%s\"", command);
    }
}
/* NOLINTEND(cert-err34-c) */

static char *on_command(void *context, const char *command)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    print_answer(out, context, command);
    fclose(out);
    return text;
}

static void on_check(void *context, struct fake_instance *instance)
{
    struct world *world = context;
    char line[32];

    snprintf(line, sizeof(line), "check %d", (int)(instance - world->instances) + 1);
    fake_haproxy_note(&world->haproxy, line);
    if (world->is_arriving)
        memcpy(world->servers, world->arriving, sizeof(world->servers));
    world->is_arriving = false;
}

/* With `extra` settings, ended by NULL, beside the shipped ones; with so many instances. */
static struct world *new_world(unsigned count, const char *const *extra)
{
    struct world *world = calloc(1, sizeof(*world));
    char texts[SERVERS + 1][160];
    const char *settings[SERVERS + 6];
    size_t used = 0;
    struct moment now = clock_now();

    log_set_level(LOG_ERROR);
    world->haproxy.answer = on_command;
    world->haproxy.context = world;
    fake_haproxy_start(&world->haproxy);
    for (unsigned i = 0; i < SERVERS; i++) {
        world->instances[i].asked = on_check;
        world->instances[i].context = world;
        fake_instance_start(&world->instances[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "INSTANCE_%u_URL=%s", i + 1, world->instances[i].url);
        settings[used++] = texts[i];
    }
    snprintf(texts[SERVERS], sizeof(texts[SERVERS]), "HAPROXY_SOCKET=%s", world->haproxy.path);
    settings[used++] = texts[SERVERS];
    for (; extra != NULL && *extra != NULL; extra++)
        settings[used++] = *extra;
    settings[used] = NULL;
    world->config = config_of(settings);
    world->farm = farm_new(world->config, NULL, &now);
    return world;
}

static void start(struct world *world)
{
    world->checks = checks_new(loop, world->config, world->farm, 0);
    assert_non_null(world->checks);
}

static void free_world(struct world *world)
{
    checks_free(world->checks);
    farm_free(world->farm);
    config_free(world->config);
    fake_haproxy_stop(&world->haproxy);
    await(world->haproxy.open == 0);
    for (unsigned i = 0; i < SERVERS; i++)
        fake_instance_stop(&world->instances[i]);
    free(world);
}

static bool are_passed(const struct world *world, unsigned checks)
{
    for (size_t i = 0; i < world->farm->count; i++) {
        if (world->farm->instances[i].passed < checks)
            return false;
    }
    return true;
}

/* All have passed a check, and the words are with HAProxy. */
static void settle(struct world *world)
{
    start(world);
    await(are_passed(world, 1));
    await(world->haproxy.open == 0);
    world->haproxy.log[0] = '\0';
}

/* What HAProxy's rules see, beyond its own open requests. */
static long known_to_haproxy(const struct world *world, unsigned number)
{
    const struct server *server = &world->servers[number - 1];

    return lround((double)(int32_t)(LOAD_UNIT * server->accepted - server->told) / LOAD_UNIT);
}

static unsigned count_lines(const struct world *world, const char *line)
{
    unsigned count = 0;
    size_t length = strlen(line);

    for (const char *at = world->haproxy.log; *at != '\0'; at = strchr(at, '\n') + 1)
        count += strncmp(at, line, length) == 0;
    return count;
}

/* By the end of every check in turn, however long one is. */
static unsigned checks_in(struct world *world, unsigned number, int64_t ms)
{
    unsigned before = world->instances[number - 1].requests;

    loop_for(ms);
    return world->instances[number - 1].requests - before;
}

static void counts_are_read_before_a_check_and_after_it_and_then_the_word_is_told(void **state)
{
    struct world *world = new_world(1, NULL);
    char expected[TEXT_MAX];

    (void)state;
    world->instances[0].jobs = 5;
    world->servers[0].open = 2;
    world->servers[0].total = 2;
    start(world);
    await(world->servers[0].has_entry);
    await(world->haproxy.open == 0);
    snprintf(expected, sizeof(expected),
             "open\nprompt\nshow stat farm 4 -1\nshow servers state farm\nshow table jobs\n"
             "show table failed\nset table jobs key 0 data.gpt0 %u\nclosed\n"
             "check 1\n"
             "open\nprompt\nshow table jobs key 0\nshow stat farm 4 2\nshow table jobs key 1\n"
             "set table jobs key 1 data.gpt0 4294967248\nclosed\n",
             world->farm->mark);
    /* The closing may be seen after the check has come. */
    if (strstr(world->haproxy.log, "check 1\nclosed\n") != NULL)
        memcpy(strstr(world->haproxy.log, "check 1\nclosed\n"), "closed\ncheck 1\n", 15);
    assert_string_equal(world->haproxy.log, expected);
    assert_int_equal(known_to_haproxy(world, 1), 3);
    assert_int_equal(world->farm->instances[0].in_flight, 2);
    assert_int_equal(world->farm->instances[0].external_jobs, 3);
    free_world(world);
}

static void a_word_that_stands_is_not_told_again(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->instances[0].jobs = 1;
    settle(world);
    loop_for(100000);
    assert_true(are_passed(world, 3));
    assert_int_equal(count_lines(world, "set "), 0);
    world->instances[0].jobs = 2;
    await(known_to_haproxy(world, 1) == 2);
    assert_int_equal(count_lines(world, "set "), 1);
    free_world(world);
}

/* Ended during the check: the report may have them still, and they are nobody else's. */
static void jobs_that_end_during_a_check_are_not_external(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->instances[0].jobs = 3;
    world->servers[0] = (struct server){.open = 3, .total = 3};
    world->arriving[0] = (struct server){.open = 0, .total = 3};
    world->is_arriving = true;
    start(world);
    await(are_passed(world, 1));
    assert_int_equal(world->farm->instances[0].external_jobs, 0);
    free_world(world);
}

/* Begun during the check: the report may have them already. */
static void jobs_that_begin_during_a_check_are_not_external(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->instances[0].jobs = 3;
    world->arriving[0] = (struct server){.open = 3, .total = 3};
    world->is_arriving = true;
    start(world);
    await(are_passed(world, 1));
    assert_int_equal(world->farm->instances[0].external_jobs, 0);
    assert_int_equal(world->farm->instances[0].in_flight, 3);
    free_world(world);
}

/* What was accepted before the check is in the report, what comes during it is not, as far as
 * anybody can tell. */
static void accepted_jobs_count_until_a_report_can_have_them(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    world->servers[0].accepted = 2;
    world->servers[0].has_entry = true;
    assert_int_equal(known_to_haproxy(world, 1), 2);
    world->instances[0].jobs = 2;
    memcpy(world->arriving, world->servers, sizeof(world->servers));
    world->arriving[0].accepted = 3;
    world->is_arriving = true;
    await(world->farm->instances[0].passed == 2);
    await(world->haproxy.open == 0);
    assert_int_equal(world->farm->instances[0].external_jobs, 2);
    assert_int_equal(instance_accepted(&world->farm->instances[0]), 1);
    assert_int_equal(known_to_haproxy(world, 1), 3);
    world->instances[0].jobs = 3;
    await(world->farm->instances[0].passed == 3);
    await(world->haproxy.open == 0);
    assert_int_equal(known_to_haproxy(world, 1), 3);
    free_world(world);
}

/* Else old counts would be subtracted from a new report. */
static void a_server_without_an_answer_is_asked_about_again(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    world->instances[0].jobs = 2;
    memcpy(world->arriving, world->servers, sizeof(world->servers));
    world->arriving[0].open = 2;
    world->arriving[0].total = 2;
    world->is_arriving = true;
    /* The questions before the check and after it. */
    world->mute = 2;
    await(world->farm->instances[0].passed == 2);
    await(world->haproxy.open == 0);
    assert_int_equal(world->mute, 0);
    assert_int_equal(world->farm->instances[0].in_flight, 2);
    assert_int_equal(world->farm->instances[0].external_jobs, 0);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    free_world(world);
}

/* A new process: empty tables, counters at 0. */
static void reload(struct world *world)
{
    memset(world->servers, 0, sizeof(world->servers));
    world->has_mark = false;
}

static void a_new_process_is_known_at_once_and_inherits_the_loads(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->instances[0].jobs = 3;
    world->servers[0] = (struct server){
        .open = 2, .total = 9, .accepted = 4, .told = LOAD_UNIT * 4, .has_entry = true};
    settle(world);
    world->instances[0].is_holding = true;
    await(world->instances[0].open == 1);
    world->servers[0].accepted = 5;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(instance_load(&world->farm->instances[0]), 4);
    reload(world);
    unsigned before = world->instances[1].requests;
    loop_for(REFRESH_MS + 10);
    assert_true(world->has_mark);
    assert_int_equal(world->mark, world->farm->mark);
    assert_int_equal(known_to_haproxy(world, 1), 4);
    assert_int_equal(world->instances[1].requests, before + 1);
    assert_int_equal(checks_counts(world->checks).haproxy_processes, 2);
    /* Its report says what of it goes on; since it was begun before, another check follows. */
    before = world->instances[0].requests;
    fake_instance_let_go(&world->instances[0]);
    await(world->instances[0].requests == before + 1);
    await(world->haproxy.open == 0);
    assert_int_equal(world->instances[0].open, 1);
    assert_int_equal(known_to_haproxy(world, 1), 3);
    free_world(world);
}

static void a_process_that_comes_between_two_answers_is_known_by_its_table(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->instances[0].jobs = 3;
    world->servers[0] = (struct server){.open = 2, .total = 9};
    settle(world);
    world->instances[0].is_holding = true;
    await(world->instances[0].open == 1);
    loop_for(5);
    reload(world);
    world->instances[0].is_holding = false;
    fake_instance_let_go(&world->instances[0]);
    await(world->has_mark);
    await(world->haproxy.open == 0);
    assert_int_equal(checks_counts(world->checks).haproxy_processes, 2);
    assert_int_equal(known_to_haproxy(world, 1), 3);
    free_world(world);
}

/* It has been reloaded, and another agent has come to it first. */
static void another_agents_mark_is_that_of_another_process(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    world->instances[0].is_holding = true;
    await(world->instances[0].open == 1);
    loop_for(5);
    reload(world);
    world->mark = world->farm->mark + 1;
    world->has_mark = true;
    fake_instance_let_go(&world->instances[0]);
    await(world->farm->instances[0].passed == 2);
    assert_int_equal(checks_counts(world->checks).haproxy_processes, 2);
    free_world(world);
}

/* Its predecessor's words stand until it knows better. */
static void an_agent_that_knows_nothing_tells_nothing(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->servers[0] = (struct server){.accepted = 9, .told = LOAD_UNIT * 2, .has_entry = true};
    world->servers[1] = world->servers[0];
    world->mark = 12345;
    world->has_mark = true;
    world->instances[0].is_holding = world->instances[1].is_holding = true;
    start(world);
    loop_for(3000);
    assert_int_equal(world->mark, world->farm->mark);
    assert_int_equal(known_to_haproxy(world, 1), 7);
    assert_int_equal(known_to_haproxy(world, 2), 7);
    world->instances[0].jobs = 4;
    fake_instance_let_go(&world->instances[0]);
    await(world->farm->instances[0].passed == 1);
    await(world->haproxy.open == 0);
    assert_int_equal(known_to_haproxy(world, 1), 4);
    assert_int_equal(known_to_haproxy(world, 2), 7);
    free_world(world);
}

/* Those are not this agent's to judge: they may be of last week. */
static void failures_before_this_agent_came_are_not_held_against_anybody(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->servers[0] = (struct server){
        .total = 1000, .successes = 900, .failed_connections = 3, .failed_responses = 4};
    settle(world);
    assert_int_equal(instance_penalty(&world->farm->instances[0]), 0);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    world->servers[0].failed_connections++;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(known_to_haproxy(world, 1), 15);
    free_world(world);
}

static void failed_connections_and_responses_are_told_until_a_job_succeeds(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    world->servers[0].failed_responses = 1;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(known_to_haproxy(world, 1), 1);
    assert_int_equal(known_to_haproxy(world, 2), 0);
    world->servers[0].failed_connections = 1;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(known_to_haproxy(world, 1), 31);
    world->servers[0].successes = 1;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    world->servers[0].failed_responses = 2;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(known_to_haproxy(world, 1), 1);
    loop_for(SERVER_ERRORS_MS + REFRESH_MS + 10);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    free_world(world);
}

static void the_penalty_for_jobs_is_haproxys_own(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    world->servers[0].penalty = 7;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(instance_penalty(&world->farm->instances[0]), 7);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    world->servers[0].penalty = 0; /* its entry has expired */
    loop_for(REFRESH_MS + 10);
    assert_int_equal(instance_penalty(&world->farm->instances[0]), 0);
    free_world(world);
}

/* Less 1, as names.h has it; no more often than it changes, and to a new process again. */
static void a_capacity_that_is_read_is_told(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->farm->instances[0].tells_capacity = true;
    world->farm->instances[0].capacity = world->farm->instances[1].capacity = 12;
    settle(world);
    assert_int_equal(world->servers[0].capacity, 11);
    assert_int_equal(world->servers[1].capacity, 0); /* a literal of the rules */
    loop_for(5 * REFRESH_MS);
    assert_int_equal(count_lines(world, "set table capacities key 1 data.gpt0 11"), 0);
    world->farm->instances[0].capacity = 3;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(world->servers[0].capacity, 2);
    assert_int_equal(count_lines(world, "set table capacities key 1 data.gpt0 2"), 1);
    world->has_mark = false;
    world->servers[0].has_entry = false;
    world->servers[0].capacity = 0;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(world->servers[0].capacity, 2);
    free_world(world);
}

static void an_owner_is_told_at_once_and_nothing_else_is_asked_for(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    /* To the middle between two refreshes. */
    do {
        world->haproxy.log[0] = '\0';
        loop_for(1);
    } while (count_lines(world, "show stat farm 4 -1") == 0);
    loop_for(REFRESH_MS / 2);
    world->haproxy.log[0] = '\0';
    checks_tell_owner(world->checks, (const unsigned char *)"job", 3, 2);
    loop_for(10);
    assert_int_equal(count_lines(world, "set table owners key am9i data.gpt0 2"), 1);
    assert_int_equal(count_lines(world, "show stat farm 4 -1"), 0);
    assert_int_equal(count_lines(world, "show servers state farm"), 0);
    /* A process that isn't known is met first. */
    world->has_mark = false;
    checks_tell_owner(world->checks, (const unsigned char *)"more", 4, 1);
    loop_for(10);
    assert_int_equal(count_lines(world, "set table owners key bW9yZQ== data.gpt0 1"), 1);
    assert_int_equal(count_lines(world, "show stat farm 4 -1"), 1);
    assert_int_equal(checks_counts(world->checks).haproxy_processes, 2);
    free_world(world);
}

/* A client's bad files, or a network that is down. */
static void what_all_fail_at_is_forgiven(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    world->servers[0].penalty = 7;
    world->servers[1].failed_responses = 3;
    loop_for(REFRESH_MS + 10);
    assert_int_equal(world->servers[0].penalty, 0);
    assert_int_equal(count_lines(world, "set table failed key 1 data.gpt0 0"), 1);
    assert_int_equal(count_lines(world, "set table jobs key 1 data.gpc1 0"), 1);
    assert_int_equal(instance_penalty(&world->farm->instances[0]), 0);
    assert_int_equal(instance_penalty(&world->farm->instances[1]), 0);
    assert_int_equal(known_to_haproxy(world, 2), 0);
    free_world(world);
}

/* The log of so long a time would have no room. */
static void pass_minutes(struct world *world, unsigned minutes)
{
    for (unsigned i = 0; i < 4 * minutes; i++) {
        world->haproxy.log[0] = '\0';
        loop_for(15000);
    }
}

static void failed_jobs_in_a_row_are_forgotten_ten_minutes_after_the_last(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    world->servers[0].has_entry = true;
    world->servers[0].failed_in_a_row = 3;
    pass_minutes(world, FAILURES_AGE_MS / 60000 - 1);
    world->servers[0].failed_in_a_row = 4;
    pass_minutes(world, FAILURES_AGE_MS / 60000 - 1);
    assert_int_equal(world->servers[0].failed_in_a_row, 4);
    world->haproxy.log[0] = '\0';
    loop_for(60000 + 2 * REFRESH_MS);
    assert_int_equal(world->servers[0].failed_in_a_row, 0);
    assert_int_equal(count_lines(world, "set table jobs key 1 data.gpc1 0"), 1);
    free_world(world);
}

static void an_instance_whose_check_failed_is_picked_last(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->instances[0].status = 500;
    start(world);
    await(world->farm->instances[0].failures == 1);
    await(world->haproxy.open == 0);
    loop_for(5);
    assert_int_equal(known_to_haproxy(world, 1), PENALTY_MAX);
    assert_int_equal(known_to_haproxy(world, 2), 0);
    world->instances[0].status = 0;
    await(world->farm->instances[0].passed == 1);
    await(world->haproxy.open == 0);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    free_world(world);
}

static void an_idle_farm_is_checked_every_interval(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    loop_for(30000);
    assert_int_equal(checks_in(world, 1, 90000), 3);
    assert_in_range(count_lines(world, "show servers state farm"), 475, 485);
    free_world(world);
}

static void while_jobs_run_it_is_every_jobs_interval(void **state)
{
    struct world *world = new_world(3, NULL);

    (void)state;
    settle(world);
    world->servers[2].open = 1;
    world->servers[2].total = 1;
    world->instances[2].jobs = 1;
    loop_for(2000);
    assert_int_equal(checks_in(world, 1, 20000), 20); /* all of them, not only where it runs */
    world->servers[2].open = 0;
    world->instances[2].jobs = 0;
    assert_in_range(checks_in(world, 1, 10000), 5, 6);
    loop_for(45000); /* up to one and a half intervals after the last fast one */
    assert_int_equal(checks_in(world, 1, 30000), 1);
    free_world(world);
}

/* It was open when the agent came. */
static void an_agent_that_starts_while_jobs_run_is_as_fast(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->servers[0] = (struct server){.open = 1, .total = 1};
    settle(world);
    assert_in_range(checks_in(world, 1, 10000), 9, 10000 / QUICK_MS);
    free_world(world);
}

/* None is ever open when the counts are read. */
static void jobs_that_come_one_by_one_keep_it_busy(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    for (int i = 0; i < 10; i++) {
        world->servers[0].total++;
        unsigned checks = checks_in(world, 1, 4000);
        if (i > 0)
            assert_in_range(checks, 4, 4000 / QUICK_MS);
    }
    free_world(world);
}

/* Whoever reads its traces first: here it is the question about one server after its report. */
static void a_job_during_a_check_makes_it_busy(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    world->arriving[0] = (struct server){.total = 1};
    world->arriving[0].told = world->servers[0].told;
    world->is_arriving = true;
    await(world->farm->instances[0].passed == 2);
    assert_in_range(checks_in(world, 1, 5000), 4, 5000 / QUICK_MS);
    free_world(world);
}

static void accepted_jobs_keep_it_busy_until_they_are_over(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    memcpy(world->arriving, world->servers, sizeof(world->servers));
    world->arriving[0].accepted = 1;
    world->arriving[0].has_entry = true;
    world->arriving[0].total = 1;
    world->is_arriving = true;
    await(world->farm->instances[0].passed == 2);
    world->instances[0].jobs = 1;
    loop_for(10000);
    assert_int_equal(checks_in(world, 1, 20000), 20);
    world->instances[0].jobs = 0;
    loop_for(52000); /* up to one and a half intervals after the last fast one */
    assert_int_equal(checks_in(world, 1, 30000), 1);
    free_world(world);
}

/* Which of the jobs it has accepted is nothing that a report tells. */
static void an_agent_that_starts_while_accepted_jobs_run_is_as_fast(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    world->servers[0] =
        (struct server){.total = 5, .accepted = 5, .told = LOAD_UNIT * 4, .has_entry = true};
    world->instances[0].jobs = 1;
    settle(world);
    loop_for(10000);
    assert_int_equal(checks_in(world, 1, 10000), 10);
    checks_free(world->checks); /* SIGHUP */
    start(world);
    loop_for(10000);
    assert_int_equal(checks_in(world, 1, 10000), 10);
    world->instances[0].jobs = 0;
    loop_for(52000); /* up to one and a half intervals after the last fast one */
    assert_int_equal(checks_in(world, 1, 30000), 1);
    free_world(world);
}

/* External jobs that never came through here are no reason. */
static void jobs_of_others_do_not_make_it_busy(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->instances[0].jobs = 4;
    settle(world);
    loop_for(30000);
    assert_int_equal(checks_in(world, 1, 60000), 2);
    free_world(world);
}

static void failures_count_once_in_an_interval_however_often_it_is_checked(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    settle(world);
    world->servers[1].open = 1;
    world->servers[1].total = 1;
    loop_for(3000);
    world->instances[0].status = 500;
    await(world->farm->instances[0].failures == 1);
    loop_for(20000);
    assert_int_equal(world->farm->instances[0].failures, 1);
    assert_in_range(world->farm->instances[0].failed[CHECK_HTTP_STATUS], 19, 22);
    await(!world->farm->instances[0].healthy);
    assert_in_range(world->farm->instances[0].failed[CHECK_HTTP_STATUS], 40, 65);
    world->instances[0].status = 0;
    await(world->farm->instances[0].healthy);
    free_world(world);
}

static void the_state_file_says(const struct world *world, const char *expected)
{
    char path[160], text[512] = "";

    snprintf(path, sizeof(path), "%s" STATE_FILE_SUFFIX, world->haproxy.path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void a_drain_is_told_within_a_refresh_and_kept_in_the_file(void **state)
{
    struct world *world = new_world(2, NULL);
    char expected[512];

    (void)state;
    settle(world);
    world->servers[0].admin = ADMIN_DRAIN;
    world->servers[1].admin = ADMIN_MAINT;
    loop_for(REFRESH_MS + 10);
    assert_true(world->farm->instances[0].drained);
    assert_false(world->farm->instances[1].drained);
    assert_true(world->farm->instances[1].maintained);
    assert_int_equal(known_to_haproxy(world, 1), DRAINED_LOAD);
    assert_int_equal(known_to_haproxy(world, 2), 0);
    snprintf(expected, sizeof(expected),
             "1\n4 farm 2 instance1 127.0.0.1 2 8 0 100 0 8 2 0 6 22 0 0 - %u - 0\n"
             "4 farm 3 instance2 127.0.0.1 2 1 100 100 0 8 2 0 6 22 0 0 - %u - 0\n",
             world->instances[0].port, world->instances[1].port);
    the_state_file_says(world, expected);
    loop_for(40000); /* questions about one server say nothing of drains */
    assert_true(world->farm->instances[0].drained);
    world->servers[0].admin = world->servers[1].admin = 0;
    loop_for(REFRESH_MS + 10);
    assert_false(world->farm->instances[0].drained);
    assert_int_equal(known_to_haproxy(world, 1), 0);
    the_state_file_says(world, "1\n");
    free_world(world);
}

static void without_haproxy_the_instances_are_checked_all_the_same(void **state)
{
    struct world *world = new_world(2, NULL);

    (void)state;
    fake_haproxy_stop(&world->haproxy);
    world->instances[0].jobs = 3;
    start(world);
    await(are_passed(world, 3));
    assert_int_equal(world->farm->instances[0].external_jobs, 3);
    assert_false(checks_counts(world->checks).haproxy_present);
    assert_int_equal(checks_counts(world->checks).haproxy_answers, 0);
    /* Here it is: everything is asked at once, and told. */
    fake_haproxy_start(&world->haproxy);
    world->servers[0].open = 1;
    world->servers[0].total = 1;
    unsigned before = world->instances[1].requests;
    loop_for(REFRESH_MS + 60);
    assert_true(checks_counts(world->checks).haproxy_present);
    assert_int_equal(world->instances[1].requests, before + 1);
    assert_int_equal(known_to_haproxy(world, 1), 2);
    free_world(world);
}

static void a_haproxy_that_goes_has_nothing_open(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->servers[0].open = 2;
    world->servers[0].admin = ADMIN_DRAIN;
    settle(world);
    assert_int_equal(world->farm->instances[0].in_flight, 2);
    fake_haproxy_stop(&world->haproxy);
    loop_for(REFRESH_MS + 60);
    assert_int_equal(world->farm->instances[0].in_flight, 0);
    assert_string_equal(world->farm->instances[0].address, "");
    assert_true(world->farm->instances[0].drained); /* its successor takes that over */
    free_world(world);
}

static void a_stuck_haproxy_does_not_stop_the_checks(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->servers[0].open = 2;
    world->servers[0].total = 2;
    world->instances[0].jobs = 2;
    settle(world);
    world->haproxy.is_silent = true;
    uint64_t before = world->farm->instances[0].passed;
    loop_for(10000);
    assert_in_range(world->farm->instances[0].passed - before, 3, 10);
    assert_int_equal(world->farm->instances[0].in_flight, 2); /* the last counts are kept */
    assert_in_range(checks_counts(world->checks).haproxy_failures, 5, 10);
    assert_true(checks_counts(world->checks).haproxy_present);
    world->haproxy.is_silent = false;
    uint64_t answers = checks_counts(world->checks).haproxy_answers;
    loop_for(1500);
    assert_true(checks_counts(world->checks).haproxy_answers > answers);
    free_world(world);
}

static void a_haproxy_without_the_farm_is_none(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->has_no_farm = world->has_no_table = true;
    world->instances[0].jobs = 3;
    start(world);
    await(are_passed(world, 2));
    assert_int_equal(checks_counts(world->checks).haproxy_answers, 0);
    assert_true(checks_counts(world->checks).haproxy_failures > 0);
    assert_int_equal(count_lines(world, "set "), 0);
    free_world(world);
}

/* Somebody's own configuration: counts and drains, nobody to tell. */
static void a_haproxy_without_our_tables_is_told_nothing(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    world->has_no_table = true;
    world->instances[0].jobs = 3;
    world->servers[0].open = 1;
    world->servers[0].total = 1;
    start(world);
    await(are_passed(world, 5));
    assert_int_equal(world->farm->instances[0].external_jobs, 2);
    assert_int_equal(count_lines(world, "set "), 0);
    assert_int_equal(checks_counts(world->checks).haproxy_processes, 0);
    assert_in_range(world->instances[0].requests, 5, 6); /* and is not taken for a new one */
    free_world(world);
}

static void a_check_that_a_reload_gave_up_is_begun_again(void **state)
{
    struct world *world = new_world(1, NULL);

    (void)state;
    settle(world);
    world->instances[0].is_holding = true;
    await(world->instances[0].open == 1);
    checks_free(world->checks);
    world->instances[0].is_holding = false;
    world->instances[0].held_count = 0;
    unsigned before = world->instances[0].requests;
    start(world);
    loop_for(10);
    assert_int_equal(world->instances[0].requests, before + 1);
    checks_free(world->checks);
    start(world);
    loop_for(10);
    assert_int_equal(world->instances[0].requests, before + 1);
    assert_int_equal(checks_counts(world->checks).haproxy_processes, 0); /* its mark is there */
    free_world(world);
}

static void it_may_be_freed_at_any_time(void **state)
{
    (void)state;
    for (int64_t ms = 0; ms < 12; ms++) {
        struct world *world = new_world(3, NULL);
        world->haproxy.piece_bytes = 50;
        world->instances[1].is_holding = true;
        start(world);
        loop_for(ms);
        free_world(world);
    }
}

#define it(function) cmocka_unit_test_setup_teardown(function, loop_set_up, loop_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        it(counts_are_read_before_a_check_and_after_it_and_then_the_word_is_told),
        it(a_word_that_stands_is_not_told_again),
        it(jobs_that_end_during_a_check_are_not_external),
        it(jobs_that_begin_during_a_check_are_not_external),
        it(accepted_jobs_count_until_a_report_can_have_them),
        it(a_server_without_an_answer_is_asked_about_again),
        it(a_new_process_is_known_at_once_and_inherits_the_loads),
        it(a_process_that_comes_between_two_answers_is_known_by_its_table),
        it(another_agents_mark_is_that_of_another_process),
        it(an_agent_that_knows_nothing_tells_nothing),
        it(failures_before_this_agent_came_are_not_held_against_anybody),
        it(failed_connections_and_responses_are_told_until_a_job_succeeds),
        it(the_penalty_for_jobs_is_haproxys_own),
        it(a_capacity_that_is_read_is_told),
        it(an_owner_is_told_at_once_and_nothing_else_is_asked_for),
        it(what_all_fail_at_is_forgiven),
        it(failed_jobs_in_a_row_are_forgotten_ten_minutes_after_the_last),
        it(an_instance_whose_check_failed_is_picked_last),
        it(an_idle_farm_is_checked_every_interval),
        it(while_jobs_run_it_is_every_jobs_interval),
        it(an_agent_that_starts_while_jobs_run_is_as_fast),
        it(jobs_that_come_one_by_one_keep_it_busy),
        it(a_job_during_a_check_makes_it_busy),
        it(accepted_jobs_keep_it_busy_until_they_are_over),
        it(an_agent_that_starts_while_accepted_jobs_run_is_as_fast),
        it(jobs_of_others_do_not_make_it_busy),
        it(failures_count_once_in_an_interval_however_often_it_is_checked),
        it(a_drain_is_told_within_a_refresh_and_kept_in_the_file),
        it(without_haproxy_the_instances_are_checked_all_the_same),
        it(a_haproxy_that_goes_has_nothing_open),
        it(a_stuck_haproxy_does_not_stop_the_checks),
        it(a_haproxy_without_the_farm_is_none),
        it(a_haproxy_without_our_tables_is_told_nothing),
        it(a_check_that_a_reload_gave_up_is_begun_again),
        it(it_may_be_freed_at_any_time),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests_name("checks", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
