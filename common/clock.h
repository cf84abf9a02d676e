#ifndef LEASTJOBS_CLOCK_H
#define LEASTJOBS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* When something happened, on both clocks. */
struct moment {
    struct timespec wall;
    int64_t monotonic_ms;
};

/* Milliseconds on the monotonic clock: for all that is measured or waited for. */
int64_t clock_ms(void);

/* Both clocks, now. */
struct moment clock_now(void);

struct timeval clock_timeval(int64_t ms);

bool clock_is_before(const struct timeval *one, const struct timeval *other);

#endif
