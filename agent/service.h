#ifndef LEASTJOBS_SERVICE_H
#define LEASTJOBS_SERVICE_H

#include <event2/event.h>

#include "config.h"

/*
 * All that runs by one configuration: the farm's instance, the checks that keep it up to date, the
 * two ports that answer from it.
 */
struct service;

/*
 * Starts it. The service owns `config` from then on, also if it fails: then it returns NULL, with
 * what is wrong in `errors`.
 */
struct service *service_new(struct event_base *base, struct config *config, struct errors *errors);

/*
 * Replaces the configuration; instances that stay keep their history, ports that stay are kept
 * open. Owns `config`. Returns false, with the old configuration still running, if a new port
 * can't be had. Warns in `errors` of what HAProxy must be told too. The level of the log is the
 * caller's to set.
 */
bool service_reload(struct service *service, struct config *config, struct errors *errors);

/* Stops checking, then closes the ports, then forgets what is known. */
void service_free(struct service *service);

#endif
