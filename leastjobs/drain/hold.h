#ifndef LEASTJOBS_HOLD_H
#define LEASTJOBS_HOLD_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Whether what is said to a process of HAProxy's lasts. A reload begins with a file of what
 * operators have said; whatever the old process hears after that, while the new one starts, is lost
 * with it. Pure. Zero-initialise it.
 */
struct hold {
    pid_t process;    /* that has been told */
    int64_t since_ms; /* no other was seen */
};

enum hold_sight {
    HOLD_NEW,  /* it is another process than before: it is to be told (again) */
    HOLD_WAIT, /* it may be replaced */
    HOLD_SURE,
};

/* Of a reload under way: how long nothing of it may be seen by who asks the master, and by who
 * can't. Starting takes HAProxy 0.1 s, with hundreds of instances 0.3 s. */
#define HOLD_BY_MASTER_MS 200
#define HOLD_ALONE_MS 1000

/*
 * `process` has answered after `now_ms`, and the master says after that which one is `current`, as
 * of processes_ask_current(). Of one that is new the master needn't be asked.
 */
enum hold_sight hold_look(struct hold *hold, pid_t process, pid_t current, int64_t now_ms);

#endif
