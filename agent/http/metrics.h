#ifndef LEASTJOBS_METRICS_H
#define LEASTJOBS_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "http/report.h"

/* GET /metrics, in Prometheus' text format 0.0.4, at `now_ms` of the monotonic clock. */
void metrics_report(FILE *out, const struct report_view *view, int64_t now_ms);

#endif
