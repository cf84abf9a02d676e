#include "http/metrics.h"

#include <inttypes.h>

#include "agent_checks/agent_check.h"
#include "names.h"
#include "version.h"

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP leastjobs_%s %s\n# TYPE leastjobs_%s %s\n", name, help, name, type);
}

static void put_value(FILE *out, const char *name, const char *type, const char *help, double value)
{
    put_head(out, name, type, help);
    fprintf(out, "leastjobs_%s %.15g\n", name, value);
}

/* The gauges of an instance: what to show, by a function of its instance. */
struct gauge {
    const char *name;
    const char *help;
    double (*value)(const struct instance *instance);
};

static double value_healthy(const struct instance *instance)
{
    return instance->healthy;
}

static double value_drained(const struct instance *instance)
{
    return instance_is_drained(instance);
}

static double value_maintained(const struct instance *instance)
{
    return instance->maintained;
}

static double value_busy(const struct instance *instance)
{
    return instance->reason == CHECK_BUSY;
}

static double value_capacity(const struct instance *instance)
{
    return instance->capacity;
}

static double value_active(const struct instance *instance)
{
    return instance->active_jobs;
}

static double value_in_flight(const struct instance *instance)
{
    return instance->in_flight;
}

static double value_external(const struct instance *instance)
{
    return instance->external_jobs;
}

static double value_expected(const struct instance *instance)
{
    return instance->forecast.expected;
}

static double value_accepted(const struct instance *instance)
{
    return instance_accepted(instance);
}

static double value_penalty(const struct instance *instance)
{
    return instance_penalty(instance);
}

static double value_load(const struct instance *instance)
{
    return instance_load(instance);
}

static double value_weight(const struct instance *instance)
{
    return instance->healthy ? agent_check_weight(instance, WEIGHTING_EXTERNAL) : 0;
}

static double value_check_seconds(const struct instance *instance)
{
    return instance->check_ms / 1000.0;
}

static double value_last_check(const struct instance *instance)
{
    return (double)instance->last_check.tv_sec;
}

static const struct gauge gauges[] = {
    {"instance_healthy", "1 if the instance is healthy.", value_healthy},
    {"instance_drained", "1 if an operator drained it in HAProxy, or if it is leaving.",
     value_drained},
    {"instance_in_maintenance", "1 if an operator set it to maint in HAProxy.", value_maintained},
    {"instance_busy", "1 if it answers no health check while jobs of ours run there.", value_busy},
    {"instance_capacity", "Jobs at a time, as configured or last reported.", value_capacity},
    {"instance_active_jobs", "Active jobs as the instance last reported them.", value_active},
    {"instance_in_flight", "Requests that HAProxy has open on it.", value_in_flight},
    {"instance_external_jobs", "Active jobs that HAProxy can't see.", value_external},
    {"instance_expected_external_jobs", "Those of them that are expected until the next report.",
     value_expected},
    {"instance_accepted_jobs", "Jobs accepted by their answers since the last report.",
     value_accepted},
    {"instance_penalty", "What its latest failures count as.", value_penalty},
    {"instance_load", "In flight, expected external and accepted jobs, and penalty.", value_load},
    {"instance_weight", "Weight told to HAProxy: 0 is drained, the rest only shows external jobs.",
     value_weight},
    {"instance_check_seconds", "How long the last health check took.", value_check_seconds},
    {"instance_last_check_timestamp_seconds", "When it was; 0 before the first.", value_last_check},
};

static void put_gauges(FILE *out, const struct farm *farm)
{
    for (size_t g = 0; g < sizeof(gauges) / sizeof(gauges[0]); g++) {
        put_head(out, gauges[g].name, "gauge", gauges[g].help);
        for (size_t i = 0; i < farm->count; i++)
            fprintf(out, "leastjobs_%s{name=\"" INSTANCE_PREFIX "%u\"} %.15g\n", gauges[g].name,
                    farm->instances[i].number, gauges[g].value(&farm->instances[i]));
    }
}

/* How old its count of jobs is; by this clock alone, since Prometheus' may differ. */
static void put_report_ages(FILE *out, const struct farm *farm, int64_t now_ms)
{
    put_head(out, "instance_report_age_seconds", "gauge",
             "Since its last report, or since it was configured.");
    for (size_t i = 0; i < farm->count; i++)
        fprintf(out,
                "leastjobs_instance_report_age_seconds{name=\"" INSTANCE_PREFIX "%u\"} %.15g\n",
                farm->instances[i].number, (double)(now_ms - farm->instances[i].passed_ms) / 1000);
}

/* The two numbers to scale by. */
static void put_demand(FILE *out, const struct farm *farm)
{
    double jobs = 0;
    double capacity = 0;

    for (size_t i = 0; i < farm->count; i++) {
        const struct instance *instance = &farm->instances[i];
        if (!instance_takes_jobs(instance))
            continue;
        jobs += (double)instance->in_flight + instance->external_jobs + instance_accepted(instance);
        capacity += instance->capacity;
    }
    put_value(out, "jobs", "gauge",
              "In flight, external and accepted jobs of the instances that take jobs.", jobs);
    put_value(out, "capacity", "gauge", "Capacity of the instances that take jobs.", capacity);
}

static void put_checks(FILE *out, const struct farm *farm)
{
    put_head(out, "instance_checks_total", "counter", "Health checks by how they ended.");
    for (size_t i = 0; i < farm->count; i++) {
        const struct instance *instance = &farm->instances[i];
        for (int reason = 0; reason < CHECK_REASON_COUNT; reason++) {
            uint64_t count = reason == CHECK_PASSED ? instance->passed : instance->failed[reason];
            if (count > 0 || reason == CHECK_PASSED)
                fprintf(out,
                        "leastjobs_instance_checks_total{name=\"" INSTANCE_PREFIX
                        "%u\",result=\"%s\"} %" PRIu64 "\n",
                        instance->number, check_reason_label((enum check_reason)reason), count);
        }
    }
    put_head(out, "instance_checks_missed_total", "counter",
             "Checks that were due while the one before was still under way.");
    for (size_t i = 0; i < farm->count; i++)
        fprintf(out,
                "leastjobs_instance_checks_missed_total{name=\"" INSTANCE_PREFIX "%u\"} %" PRIu64
                "\n",
                farm->instances[i].number, farm->instances[i].missed);
}

void metrics_report(FILE *out, const struct report_view *view, int64_t now_ms)
{
    struct listener_counts asked = listener_counts(view->listener);
    struct checks_counts counts = checks_counts(view->checks);

    put_head(out, "build_info", "gauge", "The agent's version.");
    fprintf(out, "leastjobs_build_info{version=\"" LEASTJOBS_VERSION "\"} 1\n");
    put_value(out, "instances", "gauge", "Configured instances.", (double)view->farm->count);
    put_value(out, "instances_healthy", "gauge", "Healthy instances.",
              (double)farm_count_healthy(view->farm));
    put_demand(out, view->farm);
    put_value(out, "checks_due", "gauge", "Health checks that are under way, or due at once.",
              counts.due);
    put_value(out, "check_interval_seconds", "gauge",
              "Between two health checks of each instance: shorter while jobs run.",
              counts.interval_ms / 1000.0);
    put_value(out, "check_timeout_seconds", "gauge", "A health check that takes longer has failed.",
              view->config->check_timeout_ms / 1000.0);
    put_gauges(out, view->farm);
    put_report_ages(out, view->farm, now_ms);
    put_checks(out, view->farm);
    put_value(out, "agent_checks_answered_total", "counter", "Agent-checks answered.",
              (double)asked.answered);
    put_value(out, "agent_checks_refused_total", "counter",
              "Agent-checks that were no request for a known instance.", (double)asked.refused);
    put_value(out, "agent_checks_evicted_total", "counter",
              "Idle agent-check connections closed to make room.", (double)asked.evicted);
    put_value(out, "haproxy_present", "gauge", "1 if HAProxy answers on its runtime socket.",
              counts.haproxy_present);
    put_value(out, "haproxy_answers_total", "counter", "Readings of HAProxy's live counts.",
              (double)counts.haproxy_answers);
    put_value(out, "haproxy_failures_total", "counter", "Failed readings of them.",
              (double)counts.haproxy_failures);
}
