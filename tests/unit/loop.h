#ifndef LEASTJOBS_UNIT_LOOP_H
#define LEASTJOBS_UNIT_LOOP_H

#include <event2/event.h>

#include "clock.h"
#include "helper.h"

/*
 * A loop whose clock stands still while anything happens, and leaps to the next timer when nothing
 * does: minutes pass in no time, and every timer goes off at its very millisecond. It is the clock
 * of libevent, libcurl and the agent, since loop.c has the process' clock_gettime() and
 * epoll_wait(). Both sides of a socket are served by this one loop.
 */
extern struct event_base *loop;

/* A setup and a teardown for cmocka. */
int loop_set_up(void **state);
int loop_tear_down(void **state);

/* From now on the clock is the machine's, until loop_tear_down(). */
void loop_use_real_time(void);

/* So long by the loop's clock. */
void loop_for(int64_t ms);

/* Runs the loop until something is true, which must be within AWAIT_MAX_MS of its clock. */
#define AWAIT_MAX_MS 120000
#define await(condition)                                                                           \
    do {                                                                                           \
        int64_t await_end_ms = clock_ms() + AWAIT_MAX_MS;                                          \
        while (!(condition)) {                                                                     \
            if (clock_ms() >= await_end_ms)                                                        \
                fail_msg("waited in vain for: %s", #condition);                                    \
            loop_turn();                                                                           \
        }                                                                                          \
    } while (0)
void loop_turn(void);

/* A folder of this process' own for sockets and files; its files are removed at the end. */
const char *loop_folder(void);

#endif
