#ifndef LEASTJOBS_SOURCE_PROMETHEUS_H
#define LEASTJOBS_SOURCE_PROMETHEUS_H

#include "sources/source.h"

/*
 * Metrics of Prometheus' text format or OpenMetrics (exposition.h). The locator names metrics:
 *
 *   locator = sum *( "," sum )                     the first of which all metrics are there counts
 *   sum     = metric *( "+" metric )
 *   metric  = name [ "{" label *( "," label ) "}" ]       label = name "=" DQUOTE value DQUOTE
 *
 * A name is exact. All series of it that have these labels (and maybe others) are added up. A value
 * that is negative, infinite or NaN is no count. Blanks may stand around each part.
 */
extern const struct source source_prometheus;

#define SOURCE_PROMETHEUS_METRICS_MAX 16

#endif
