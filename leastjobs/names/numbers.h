#ifndef LEASTJOBS_NUMBERS_H
#define LEASTJOBS_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "found.h"
#include "names/url_list.h"

/*
 * Which number each found instance has (found.h). One that is there keeps its number; it moves only
 * if an INSTANCE_N_URL has come with that number, and is an instance of its own no more if an
 * INSTANCE_N_URL has its URL. One that has come takes the lowest number that is free. One that is
 * gone is leaving, with its number, until it is taken out; but one that was never in force is gone
 * at once, since nobody would ever see it leave if it is what made the configuration a bad one.
 * Pure.
 */

/* What the sources have now: a URL and where it was found. Texts are the caller's. */
struct wanted {
    const char *url;
    const char *origin;
};

struct numbers_plan {
    const struct config *config;     /* its instances that aren't found ones */
    const struct url_list *in_force; /* NULL: all may have been */
    int64_t now_s; /* since when those are leaving that weren't before; wall clock */
};

/*
 * Makes of the list as it was the one that is to be, for `wanted`, where the first of several with
 * one URL counts. Returns how many of `wanted` had no room: there are at most INSTANCES_MAX
 * altogether.
 */
size_t numbers_assign(struct found_list *list, const struct wanted *wanted, size_t count,
                      const struct numbers_plan *plan);

/* Takes out one that is leaving; nothing if there is none with this number. */
void numbers_take_out(struct found_list *list, unsigned number);

#endif
