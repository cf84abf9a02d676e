#include "loop.h"

#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FOLDERS_DEEP 4
#define START_MS 86400007
/*
 * What is on its way over the loopback arrives within GRACE_US of the machine's time. A leap is no
 * longer than LEAP_MAX_MS, so that what comes late all the same comes before a time limit.
 */
#define GRACE_US 300
#define LEAP_GRACE_US 100
#define LEAP_MAX_MS 50
#define BUSY_MAX 10000

struct event_base *loop;

static bool is_virtual;
static int64_t virtual_ms;
static struct event *guard; /* a loop without any event would end at once */
static char folder[64];

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's have underscores. */

/* In the place of libc's, for the libraries too. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    if (!is_virtual || id == CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, id, now);
    *now = (struct timespec){.tv_sec = virtual_ms / 1000,
                             .tv_nsec = (long)(virtual_ms % 1000) * 1000000};
    return 0;
}

static int wait_us(int fd, struct epoll_event *events, int most, long us)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct timespec wait = {.tv_nsec = us * 1000};

    ppoll(&ready, 1, &wait, NULL);
    return (int)syscall(SYS_epoll_pwait, fd, events, most, 0, NULL, 0);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
    static bool is_leaping;
    static unsigned busy;
    int leap_ms = timeout_ms < LEAP_MAX_MS ? timeout_ms : LEAP_MAX_MS;

    if (!is_virtual || timeout_ms <= 0)
        return (int)syscall(SYS_epoll_pwait, fd, events, most, timeout_ms, NULL, 0);
    int count = wait_us(fd, events, most, is_leaping ? LEAP_GRACE_US : GRACE_US);
    if (count == 0)
        virtual_ms += leap_ms;
    /* A loop that never comes to rest must not make a test wait for ever. */
    busy = count == 0 ? 0 : busy + 1;
    if (busy > BUSY_MAX)
        virtual_ms++;
    is_leaping = count == 0 && leap_ms < timeout_ms;
    return count;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void on_guard(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    (void)argument;
}

int loop_set_up(void **state)
{
    struct event_config *options = event_config_new();
    struct timeval second = {.tv_sec = 1};

    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as the agent does */
    is_virtual = true;
    virtual_ms = START_MS;
    event_config_set_flag(options, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    loop = event_base_new_with_config(options);
    event_config_free(options);
    guard = event_new(loop, -1, EV_PERSIST, on_guard, NULL);
    event_add(guard, &second);
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(void)
{
    if (folder[0] != '\0')
        nftw(folder, remove_entry, FOLDERS_DEEP, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
}

int loop_tear_down(void **state)
{
    (void)state;
    is_virtual = false;
    event_free(guard);
    event_base_free(loop);
    remove_folder();
    return 0;
}

void loop_use_real_time(void)
{
    is_virtual = false;
}

void loop_turn(void)
{
    event_base_loop(loop, EVLOOP_ONCE);
}

static void on_end(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    *(bool *)argument = true;
}

void loop_for(int64_t ms)
{
    struct timeval wait = clock_timeval(ms);
    bool is_over = false;

    event_base_once(loop, -1, EV_TIMEOUT, on_end, &is_over, &wait);
    while (!is_over)
        loop_turn();
}

const char *loop_folder(void)
{
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/leastjobs-unit-XXXXXX");
        if (mkdtemp(folder) == NULL)
            fail_msg("%s can't be made", folder);
    }
    return folder;
}
