#ifndef LEASTJOBS_FLEET_H
#define LEASTJOBS_FLEET_H

#include "http/report.h"

/*
 * GET /fleet: what operators look at, for `leastjobs status` and the page of HAProxy's ADMIN_PORT.
 * JSON text, for the caller to free():
 *
 *   version, time (RFC 3339)
 *   haproxy   is_present, since when that is so (null: not known yet), socket (its path), problem
 *             (why it doesn't answer, else null)
 *   total_instances, healthy_instances, total_active_jobs   as in GET /health
 *   jobs_per_minute       of all; compares_capacities: the rules do (capacity.h)
 *   instances             by number; each as in GET /health, and:
 *     number, is_in_maintenance
 *     report_url, report_field, capacity_field   where its jobs and its capacity are read; null:
 *                         nowhere
 *     report_age_seconds  since it last said so; null: never yet
 *     jobs_per_minute     that HAProxy sent there in the last minute (tally.h)
 *     failed_jobs         since HAProxy or this agent was started, whichever was first
 *   failures              the latest FAILURES_MAX, newest first: time, instance (its number), kind
 *                         ("job" or "check"), message
 */
char *fleet_report(const struct report_view *view);

#endif
