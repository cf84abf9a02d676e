/* The control endpoint's answers, as JSON. Written straight into the buffer: building a tree of ten
 * thousand records first would cost more memory than the records do. */
#ifndef SIM_VIEW_H
#define SIM_VIEW_H

#include <event2/buffer.h>
#include <stdint.h>

#include "instance.h"
#include "record.h"
#include "sim.h"

void view_instance(struct evbuffer *out, const struct instance *instance);
void view_instances(struct evbuffer *out, const struct sim *sim);

/* The records of one instance's log with an id above `since`. */
void view_log(struct evbuffer *out, const struct record_log *log, uint64_t since);

/* The same over all instances, each with its instance. */
void view_all(struct evbuffer *out, const struct record_store *store, uint64_t since);

#endif
