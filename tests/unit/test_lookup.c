/*
 * Look-ups with a getaddrinfo(3) of the test's own, which answers, fails or hangs by a table, and
 * a clock that the test moves.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "checks/lookup.h"
#include "checks/resolver.h"
#include "helper.h"
#include "log.h"

#define ANSWERS_MAX 64
#define TIMEOUT_MS 5000
#define OUTPUT_MAX 4096
/* A bound on what must not hang; nothing here measures speed. */
#define DEADLINE_S 60

/* What the test's resolver knows: names that aren't here don't exist. */
static struct {
    const char *host;
    const char *addresses; /* one after another, with spaces */
    bool hangs;
    unsigned asked;
} table[] = {
    {.host = "one.test", .addresses = "10.0.0.1"},
    {.host = "four.test", .addresses = "10.0.0.1 10.0.0.2 10.0.0.1 10.0.0.3 10.0.0.4"},
    {.host = "both.test", .addresses = "10.0.0.1 2001:db8::1"},
    {.host = "six.test", .addresses = "fe80::1 2001:db8::6"},
    {.host = "near.test", .addresses = "fe80::1"},
    {.host = "a.test", .addresses = "10.1.0.1"},
    {.host = "b.test", .addresses = "10.1.0.2"},
    {.host = "c.test", .addresses = "10.1.0.3"},
    {.host = "d.test", .addresses = "10.1.0.4"},
    {.host = "e.test", .addresses = "10.1.0.5"},
    {.host = "f.test", .addresses = "10.1.0.6"},
};

static const char *const six_names[] = {"a.test", "b.test", "c.test", "d.test", "e.test", "f.test"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned unknown_asked;
static unsigned begun, ended;    /* look-ups of known names */
static unsigned open_to_signals; /* look-ups on a thread that would take the loop's signals */
static unsigned open_lists;      /* addrinfo lists that weren't freed yet */
static _Atomic int64_t clock_offset_s;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's have underscores. */

/* The clock of the agent and of libevent's timers. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, id, now);

    if (id != CLOCK_REALTIME)
        now->tv_sec += clock_offset_s;
    return result;
}

static void pass_seconds(int64_t seconds)
{
    clock_offset_s += seconds;
}

static size_t find(const char *host)
{
    size_t i = 0;

    while (i < COUNT(table) && strcmp(table[i].host, host) != 0)
        i++;
    return i;
}

static struct addrinfo *new_address(const char *text)
{
    struct addrinfo *info = calloc(1, sizeof(*info));
    struct sockaddr_in6 *ipv6 = calloc(1, sizeof(*ipv6));
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)(void *)ipv6;

    info->ai_addr = (struct sockaddr *)(void *)ipv6;
    info->ai_family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    info->ai_addr->sa_family = (sa_family_t)info->ai_family;
    if (info->ai_family == AF_INET)
        inet_pton(AF_INET, text, &ipv4->sin_addr);
    else
        inet_pton(AF_INET6, text, &ipv6->sin6_addr);
    return info;
}

static struct addrinfo *new_list(const char *texts)
{
    struct addrinfo *first = NULL, **last = &first;
    char copy[256], *rest = copy, *text;

    snprintf(copy, sizeof(copy), "%s", texts);
    while ((text = strsep(&rest, " ")) != NULL) {
        *last = new_address(text);
        last = &(*last)->ai_next;
    }
    open_lists++;
    return first;
}

void freeaddrinfo(struct addrinfo *list)
{
    pthread_mutex_lock(&lock);
    open_lists--;
    pthread_mutex_unlock(&lock);
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_addr);
        free(list);
        list = next;
    }
}

/* Called on the threads of the resolver. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    size_t i = find(host);
    int error = EAI_NONAME;
    sigset_t blocked;

    (void)service;
    (void)hints;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    pthread_mutex_lock(&lock);
    open_to_signals += !sigismember(&blocked, SIGTERM);
    if (i == COUNT(table)) {
        unknown_asked++;
    } else {
        table[i].asked++;
        begun++;
        pthread_cond_broadcast(&changed);
        while (table[i].hangs)
            pthread_cond_wait(&changed, &lock);
        error = table[i].addresses == NULL ? EAI_AGAIN : 0;
        if (error == 0)
            *found = new_list(table[i].addresses);
        ended++;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return error;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void set_hangs(const char *host, bool hangs)
{
    pthread_mutex_lock(&lock);
    table[find(host)].hangs = hangs;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* NULL: the look-up fails. Returns what was there. */
static const char *set_addresses(const char *host, const char *addresses)
{
    pthread_mutex_lock(&lock);
    const char *before = table[find(host)].addresses;
    table[find(host)].addresses = addresses;
    pthread_mutex_unlock(&lock);
    return before;
}

static unsigned count_asked(const char *host)
{
    pthread_mutex_lock(&lock);
    unsigned asked = table[find(host)].asked;
    pthread_mutex_unlock(&lock);
    return asked;
}

static unsigned count_unknown(void)
{
    pthread_mutex_lock(&lock);
    unsigned asked = unknown_asked;
    pthread_mutex_unlock(&lock);
    return asked;
}

/* Waits until so many look-ups hang in the resolver. */
static void wait_until_hanging(unsigned wanted)
{
    unsigned hanging = 0;

    pthread_mutex_lock(&lock);
    while ((hanging = begun - ended) < wanted)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    assert_int_equal(hanging, wanted);
}

static unsigned count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;

    assert_non_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* All that was answered to one asker. */
struct asker {
    unsigned count;
    char address[64];
    char reason[512];
};

static struct event_base *base;
static struct lookup *lookup;

static void on_answer(void *context, const char *address, const char *reason)
{
    struct asker *asker = context;

    asker->count++;
    snprintf(asker->address, sizeof(asker->address), "%s", address == NULL ? "" : address);
    snprintf(asker->reason, sizeof(asker->reason), "%s", reason == NULL ? "" : reason);
    assert_true((address == NULL) != (reason == NULL));
}

static void ask(struct asker *asker, const char *host, const char *haproxy_address)
{
    *asker = (struct asker){0};
    lookup_ask(lookup, host, haproxy_address, TIMEOUT_MS, on_answer, asker);
}

static void wait_for_answer(const struct asker *asker)
{
    while (asker->count == 0)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    assert_int_equal(asker->count, 1);
}

static void assert_at_once(const char *host, const char *haproxy_address, const char *address)
{
    struct asker asker;

    ask(&asker, host, haproxy_address);
    assert_int_equal(asker.count, 1);
    assert_string_equal(asker.address, address);
}

static void assert_later(const char *host, const char *address)
{
    struct asker asker;

    ask(&asker, host, NULL);
    assert_int_equal(asker.count, 0);
    wait_for_answer(&asker);
    assert_string_equal(asker.address, address);
}

static int set_up(void **state)
{
    (void)state;
    alarm(DEADLINE_S);
    base = event_base_new();
    assert_non_null(base);
    lookup = lookup_new(base);
    assert_non_null(lookup);
    return 0;
}

/* A thread that has ended is gone from /proc soon, not at once. */
static void wait_until_alone(void)
{
    while (count_threads() > 1)
        sched_yield();
}

/* Until all that is under way has ended, and the loop knows. */
static void end_look_ups(void)
{
    wait_until_alone();
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static int tear_down(void **state)
{
    (void)state;
    lookup_free(lookup);
    for (size_t i = 0; i < COUNT(table); i++)
        set_hangs(table[i].host, false);
    wait_until_alone();
    event_base_free(base);
    pthread_mutex_lock(&lock);
    unsigned lists = open_lists, open = open_to_signals, running = begun - ended;
    pthread_mutex_unlock(&lock);
    assert_int_equal(lists, 0);
    assert_int_equal(open, 0);
    assert_int_equal(running, 0);
    return 0;
}

static void addresses_and_localhost_need_no_look_up(void **state)
{
    (void)state;
    unsigned before = count_unknown();
    assert_at_once("192.0.2.7", NULL, "192.0.2.7");
    assert_at_once("2001:db8::7", NULL, "2001:db8::7");
    assert_at_once("localhost", NULL, "127.0.0.1");
    assert_at_once("localhost", "::1", "::1");
    wait_until_alone();
    assert_int_equal(count_unknown(), before);
}

static void a_name_is_answered_from_the_loop(void **state)
{
    (void)state;
    assert_later("one.test", "10.0.0.1");
    assert_later("six.test", "2001:db8::6");
}

static void a_failed_look_up_says_why(void **state)
{
    struct asker asker;

    (void)state;
    ask(&asker, "nobody.test", NULL);
    assert_int_equal(asker.count, 0);
    wait_for_answer(&asker);
    assert_string_equal(asker.reason,
                        "name nobody.test doesn't resolve: Name or service not known");
    ask(&asker, "near.test", NULL);
    wait_for_answer(&asker);
    assert_string_equal(asker.reason,
                        "name near.test doesn't resolve: it has no address that can be used");
}

static void a_failure_is_not_kept(void **state)
{
    struct asker asker;
    const char *before = set_addresses("one.test", NULL);

    (void)state;
    ask(&asker, "one.test", NULL);
    wait_for_answer(&asker);
    assert_contains(asker.reason, "name one.test doesn't resolve: Temporary failure");
    set_addresses("one.test", before);
    assert_later("one.test", "10.0.0.1");
}

static void those_who_ask_for_one_name_share_a_look_up(void **state)
{
    struct asker askers[8];
    const char *const host = "one.test";
    unsigned before = count_asked(host);

    (void)state;
    set_hangs(host, true);
    for (size_t i = 0; i < COUNT(askers); i++)
        ask(&askers[i], host, NULL);
    wait_until_hanging(1);
    set_hangs(host, false);
    for (size_t i = 0; i < COUNT(askers); i++) {
        wait_for_answer(&askers[i]);
        assert_string_equal(askers[i].address, "10.0.0.1");
    }
    assert_int_equal(count_asked(host), before + 1);
}

static void an_address_is_kept_for_its_age(void **state)
{
    unsigned before = count_asked("one.test");

    (void)state;
    assert_later("one.test", "10.0.0.1");
    const char *address = set_addresses("one.test", "10.0.0.9");
    pass_seconds(LOOKUP_AGE_MS / 1000 - 1);
    assert_at_once("one.test", NULL, "10.0.0.1");
    assert_int_equal(count_asked("one.test"), before + 1);
    pass_seconds(1);
    assert_later("one.test", "10.0.0.9");
    assert_int_equal(count_asked("one.test"), before + 2);
    set_addresses("one.test", address);
}

static void the_address_in_use_stays_while_it_is_among_them(void **state)
{
    (void)state;
    assert_later("four.test", "10.0.0.1");
    const char *addresses = set_addresses("four.test", "10.0.0.4 10.0.0.1");
    pass_seconds(LOOKUP_AGE_MS / 1000);
    assert_later("four.test", "10.0.0.1");
    set_addresses("four.test", "10.0.0.4 10.0.0.3");
    pass_seconds(LOOKUP_AGE_MS / 1000);
    assert_later("four.test", "10.0.0.4");
    set_addresses("four.test", addresses);
}

static void an_old_address_outlives_a_failure(void **state)
{
    (void)state;
    assert_later("one.test", "10.0.0.1");
    const char *address = set_addresses("one.test", NULL);
    pass_seconds(1000);
    assert_later("one.test", "10.0.0.1");
    set_addresses("one.test", address);
}

static void an_old_address_outlives_a_look_up_that_hangs(void **state)
{
    struct asker asker;

    (void)state;
    assert_later("one.test", "10.0.0.1");
    unsigned before = count_asked("one.test");
    set_hangs("one.test", true);
    pass_seconds(LOOKUP_AGE_MS / 1000);
    /* The first one is patient, the next ones know. */
    ask(&asker, "one.test", NULL);
    assert_int_equal(asker.count, 0);
    wait_until_hanging(1);
    pass_seconds(1);
    wait_for_answer(&asker);
    assert_string_equal(asker.address, "10.0.0.1");
    for (int i = 0; i < 100; i++) {
        pass_seconds(1);
        assert_at_once("one.test", NULL, "10.0.0.1");
    }
    assert_int_equal(count_asked("one.test"), before + 1);
}

static void a_name_without_an_address_is_waited_for_as_long_as_the_check_may_take(void **state)
{
    struct asker asker, late;

    (void)state;
    set_hangs("one.test", true);
    ask(&asker, "one.test", NULL);
    pass_seconds(TIMEOUT_MS / 1000 - 1);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(asker.count, 0);
    ask(&late, "one.test", NULL);
    pass_seconds(1);
    wait_for_answer(&asker);
    assert_string_equal(asker.reason, "look-up of the name one.test still under way after 5 s");
    assert_int_equal(late.count, 0);
    set_hangs("one.test", false);
    wait_for_answer(&late);
    assert_string_equal(late.address, "10.0.0.1");
    assert_int_equal(asker.count, 1);
}

/* Also over reloads, each of which makes a new lookup and frees the old one. */
static void names_that_hang_take_a_bounded_number_of_threads(void **state)
{
    struct asker askers[COUNT(six_names)];
    unsigned before[COUNT(six_names)];

    (void)state;
    for (size_t i = 0; i < COUNT(six_names); i++) {
        before[i] = count_asked(six_names[i]);
        set_hangs(six_names[i], true);
    }
    for (int reload = 0; reload < 20; reload++) {
        lookup_free(lookup);
        lookup = lookup_new(base);
        assert_non_null(lookup);
        for (size_t i = 0; i < COUNT(six_names); i++)
            ask(&askers[i], six_names[i], NULL);
        wait_until_hanging(RESOLVER_THREADS_MAX);
        assert_int_equal(count_threads(), 1 + RESOLVER_THREADS_MAX);
    }
    /* Those that nobody waits for any more make room; the last ones are answered. */
    for (size_t i = 0; i < COUNT(six_names); i++)
        set_hangs(six_names[i], false);
    for (size_t i = 0; i < COUNT(six_names); i++) {
        wait_for_answer(&askers[i]);
        assert_case_text(six_names[i], askers[i].address, table[find(six_names[i])].addresses);
        assert_case(six_names[i], count_asked(six_names[i]) <= before[i] + 2);
    }
}

static void one_name_that_hangs_keeps_no_other_waiting(void **state)
{
    struct asker asker;

    (void)state;
    set_hangs("a.test", true);
    ask(&asker, "a.test", NULL);
    assert_later("b.test", "10.1.0.2");
    assert_int_equal(asker.count, 0);
}

/* What is wrong with it ASan and valgrind see; that it waits, the alarm. */
static void tear_down_waits_for_nobody(void **state)
{
    struct asker askers[COUNT(six_names)];

    (void)state;
    for (size_t i = 0; i < COUNT(six_names); i++)
        set_hangs(six_names[i], true);
    for (size_t i = 0; i < COUNT(six_names); i++)
        ask(&askers[i], six_names[i], NULL);
    wait_until_hanging(RESOLVER_THREADS_MAX);
    lookup_free(lookup);
    lookup = NULL;
    for (size_t i = 0; i < COUNT(six_names); i++) {
        set_hangs(six_names[i], false);
        assert_int_equal(askers[i].count, 0);
    }
}

/* An answer that is there, but hasn't been taken. */
static void tear_down_drops_what_was_answered(void **state)
{
    struct asker asker;

    (void)state;
    ask(&asker, "one.test", NULL);
    wait_until_alone();
    lookup_free(lookup);
    lookup = NULL;
    assert_int_equal(asker.count, 0);
}

static void haproxys_address_comes_first(void **state)
{
    (void)state;
    assert_at_once("one.test", "10.0.0.7", "10.0.0.7");
    assert_at_once("one.test", "2001:db8::7", "2001:db8::7");
    assert_at_once("nobody.test", "10.0.0.8", "10.0.0.8");
    /* It stays the one when HAProxy is gone, until there is an answer without it. */
    assert_at_once("four.test", "10.0.0.3", "10.0.0.3");
    end_look_ups();
    pass_seconds(LOOKUP_AGE_MS / 1000);
    assert_later("four.test", "10.0.0.3");
}

static void what_is_no_address_is_none_of_haproxys(void **state)
{
    static const char *const texts[] = {"-", "", "0.0.0.0", "::", "one.test", "10.0.0"};

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct asker asker;
        ask(&asker, "one.test", texts[i]);
        wait_for_answer(&asker);
        assert_case_text(texts[i], asker.address, "10.0.0.1");
    }
}

static void with_haproxys_address_names_are_looked_up_now_and_then(void **state)
{
    unsigned before = count_unknown();

    (void)state;
    for (int i = 0; i < LOOKUP_COUNT_AGE_MS / 1000 * 2; i++) {
        assert_at_once("nobody.test", "10.0.0.8", "10.0.0.8");
        end_look_ups();
        pass_seconds(1);
    }
    assert_int_equal(count_unknown(), before + 2);
}

/* An answer of the caller's own that asks again, as a check that is due at once does. */
static void ask_again(void *context, const char *address, const char *reason)
{
    struct asker *asker = context;

    (void)address;
    (void)reason;
    ask(asker, "nobody.test", NULL);
}

static void one_who_asks_again_from_an_answer_waits_for_the_next_look_up(void **state)
{
    struct asker asker = {0};
    unsigned before = count_unknown();

    (void)state;
    lookup_ask(lookup, "nobody.test", NULL, TIMEOUT_MS, ask_again, &asker);
    wait_for_answer(&asker);
    assert_contains(asker.reason, "nobody.test");
    assert_int_equal(count_unknown(), before + 2);
}

static char output[OUTPUT_MAX];

/* What lookup_warn() logs, after the time; "" if nothing. */
static const char *warning_of(const char *host, const char *used, size_t *warned)
{
    FILE *caught = tmpfile();
    int standard_error = dup(STDERR_FILENO);

    assert_non_null(caught);
    fflush(stderr);
    assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
    lookup_warn(lookup, 3, host, used, warned);
    assert_true(dup2(standard_error, STDERR_FILENO) >= 0);
    close(standard_error);
    rewind(caught);
    size_t length = fread(output, 1, sizeof(output) - 1, caught);
    output[length] = '\0';
    fclose(caught);
    const char *message = strchr(output, ' ');
    return message == NULL ? output : message + 1;
}

static void addresses_that_are_not_used_are_warned_of_once(void **state)
{
    size_t warned = 0, other_warned = 0;

    (void)state;
    assert_string_equal(warning_of("four.test", "10.0.0.1", &warned), "");
    assert_later("four.test", "10.0.0.1");
    assert_string_equal(warning_of("four.test", "10.0.0.1", &warned),
                        "WARNING instance=instance3 name four.test has 4 addresses: 10.0.0.1 is "
                        "used, 3 are not\n");
    assert_string_equal(warning_of("four.test", "10.0.0.2", &warned), "");
    assert_contains(warning_of("four.test", "10.0.0.1", &other_warned), "4 addresses");
    const char *addresses = set_addresses("four.test", "10.0.0.1 10.0.0.2");
    pass_seconds(LOOKUP_AGE_MS / 1000);
    assert_later("four.test", "10.0.0.1");
    assert_string_equal(warning_of("four.test", "10.0.0.1", &warned),
                        "WARNING instance=instance3 name four.test has 2 addresses: 10.0.0.1 is "
                        "used, 1 is not\n");
    set_addresses("four.test", addresses);
}

/* Between HAProxy's look-up and ours a name may have moved. */
static void haproxys_address_may_be_none_of_the_names(void **state)
{
    size_t warned = 0;

    (void)state;
    assert_later("four.test", "10.0.0.1");
    assert_contains(warning_of("four.test", "10.9.9.9", &warned),
                    "has 4 addresses: 10.9.9.9 is used, 4 are not\n");
    warned = 0;
    assert_later("one.test", "10.0.0.1");
    assert_string_equal(warning_of("one.test", "10.9.9.9", &warned), "");
}

static void one_address_of_each_family_is_one_machine(void **state)
{
    size_t warned = 0;

    (void)state;
    assert_later("both.test", "10.0.0.1");
    assert_string_equal(warning_of("both.test", "10.0.0.1", &warned), "");
    assert_string_equal(warning_of("both.test", "2001:db8::1", &warned), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(addresses_and_localhost_need_no_look_up),
        TEST(a_name_is_answered_from_the_loop),
        TEST(a_failed_look_up_says_why),
        TEST(a_failure_is_not_kept),
        TEST(those_who_ask_for_one_name_share_a_look_up),
        TEST(an_address_is_kept_for_its_age),
        TEST(the_address_in_use_stays_while_it_is_among_them),
        TEST(an_old_address_outlives_a_failure),
        TEST(an_old_address_outlives_a_look_up_that_hangs),
        TEST(a_name_without_an_address_is_waited_for_as_long_as_the_check_may_take),
        TEST(names_that_hang_take_a_bounded_number_of_threads),
        TEST(one_name_that_hangs_keeps_no_other_waiting),
        TEST(tear_down_waits_for_nobody),
        TEST(tear_down_drops_what_was_answered),
        TEST(haproxys_address_comes_first),
        TEST(what_is_no_address_is_none_of_haproxys),
        TEST(with_haproxys_address_names_are_looked_up_now_and_then),
        TEST(one_who_asks_again_from_an_answer_waits_for_the_next_look_up),
        TEST(addresses_that_are_not_used_are_warned_of_once),
        TEST(haproxys_address_may_be_none_of_the_names),
        TEST(one_address_of_each_family_is_one_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
