#ifndef LEASTJOBS_COMINGS_H
#define LEASTJOBS_COMINGS_H

#include <stdbool.h>

#include "found.h"

/* What the log says of found instances that come, leave, come back and are taken out. */

/* Returns whether anything is different. */
bool comings_say(const struct found_list *now, const struct found_list *before);

/* Of those that aren't there any more. */
void comings_say_taken_out(const struct found_list *now, const struct found_list *before);

#endif
