/* Jobs that come by another road than a client's request: made in bulk by the control endpoint. */
#ifndef SIM_BULK_H
#define SIM_BULK_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum { BULK_COUNT_MAX = 200000, BULK_PREFIX_MAX = 200, BULK_ERROR_MAX = 200 };

struct evbuffer;
struct instance;

/* Makes the jobs that a JSON object asks for and writes {"ids":[…]}. False with a text in error
 * (fit for a JSON string): then what is in `out` means nothing, and some of them may be there. */
bool bulk_make(const cJSON *object, struct instance *instance, struct evbuffer *out,
               char error[BULK_ERROR_MAX]);

#endif
