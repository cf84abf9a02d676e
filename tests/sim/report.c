#include "report.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "instance.h"
#include "respond.h"

#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"

static const char *const kind_names[KINDS] = {[KIND_WHISPERX] = "whisperx",
                                              [KIND_VLLM] = "vllm",
                                              [KIND_SGLANG] = "sglang",
                                              [KIND_LLAMACPP] = "llamacpp",
                                              [KIND_WHISPERCPP] = "whispercpp",
                                              [KIND_TRITON] = "triton",
                                              [KIND_NONE] = "none"};

bool kind_parse(const char *name, enum kind *kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *kind = (enum kind)i;
            return true;
        }
    }
    return false;
}

const char *kind_name(enum kind kind)
{
    return kind_names[kind];
}

/* --- counts */

/* External jobs run as far as there are slots left. */
static int64_t running(const struct instance *instance)
{
    int64_t active = instance_active(instance);
    int64_t slots = instance->queue.slots;
    int64_t here = instance->queue.running_count;
    return active < slots ? active : slots > here ? slots : here;
}

static int64_t waiting(const struct instance *instance)
{
    return instance_active(instance) - running(instance);
}

/* The part of a number that the nth of two has. */
static int64_t share(int64_t number, int nth)
{
    return (number + 1 - nth) / 2;
}

static bool says_count(const struct report *report)
{
    return report->wrong == NULL || report->wrong[0] != '\0';
}

/* A count between two texts, `fraction` behind its digits; or what is said instead; or nothing. */
static void add_count(struct evbuffer *out, const char *before, const struct report *report,
                      int64_t count, const char *fraction, const char *after)
{
    if (report->wrong == NULL) {
        evbuffer_add_printf(out, "%s%" PRId64 "%s%s", before, count, fraction, after);
    } else if (says_count(report)) {
        evbuffer_add_printf(out, "%s%s%s", before, report->wrong, after);
    }
}

/* --- health */

void report_nothing(struct evbuffer *out, struct report *report)
{
    (void)out;
    report->type = NULL;
}

void report_ok(struct evbuffer *out, struct report *report)
{
    evbuffer_add_printf(out, "OK");
    report->type = "text/plain; charset=utf-8";
}

void report_status_ok(struct evbuffer *out, struct report *report)
{
    evbuffer_add_printf(out, "{\"status\":\"ok\"}");
    report->type = RESPOND_JSON;
}

/* The nested form's active_jobs is a decoy: it also counts what is finished, and is no measure of
 * the load. */
void report_whisperx(struct evbuffer *out, struct report *report)
{
    const struct instance *instance = report->instance;
    const struct jobs *jobs = &instance->jobs;
    int64_t active = instance_active(instance);
    if (instance->settings.form == INSTANCE_FLAT) {
        evbuffer_add_printf(out, "{\"status\":\"healthy\"");
        add_count(out, ",\"active_jobs\":", report, active, "", "");
        evbuffer_add_printf(out, "}");
        report->type = RESPOND_JSON;
        return;
    }
    evbuffer_add_printf(out,
                        "{\"status\":\"healthy\",\"gpu_available\":true,\"device\":\"cuda\","
                        "\"concurrency\":{\"max_concurrent_requests\":%u,",
                        instance->queue.slots);
    add_count(out, "\"active_transcriptions\":", report, active, "", ",");
    evbuffer_add_printf(
        out, "\"active_jobs\":%" PRIu64 ",\"processing\":%zu,\"completed\":%zu,\"failed\":0}}",
        (uint64_t)active + instance->counters.finished, jobs->known_count - jobs->ended_count,
        jobs->ended_count);
    report->type = RESPOND_JSON;
}

/* --- Prometheus's text */

static void add_family(struct evbuffer *out, const char *name, const char *type, const char *help)
{
    evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One series for each of two engines; `wrong` takes the place of the first one's. */
static void add_engines(struct evbuffer *out, const char *name, const char *labels, int64_t number)
{
    for (int engine = 0; engine < 2; engine++) {
        evbuffer_add_printf(out, "%s{engine=\"%d\",model_name=\"simulated\"%s} %" PRId64 ".0\n",
                            name, engine, labels, share(number, engine));
    }
}

static void add_vllm_running(struct evbuffer *out, const struct report *report)
{
    static const char name[] = "vllm:num_requests_running";
    const int64_t number = running(report->instance);
    if (says_count(report)) {
        add_family(out, name, "gauge", "Number of requests in model execution batches.");
        add_count(out, "vllm:num_requests_running{engine=\"0\",model_name=\"simulated\"} ", report,
                  share(number, 0), ".0", "\n");
        evbuffer_add_printf(out, "%s{engine=\"1\",model_name=\"simulated\"} %" PRId64 ".0\n", name,
                            share(number, 1));
    }
}

/* A name that another one begins with, and one whose labels are in another order. */
void report_vllm_metrics(struct evbuffer *out, struct report *report)
{
    const int64_t queued = waiting(report->instance);
    add_family(out, "python_gc_objects_collected_total", "counter", "Objects collected during gc");
    evbuffer_add_printf(out, "python_gc_objects_collected_total{generation=\"0\"} 11384.0\n");
    add_vllm_running(out, report);
    add_family(out, "vllm:num_requests_waiting", "gauge",
               "Number of requests waiting to be processed.");
    add_engines(out, "vllm:num_requests_waiting", "", queued);
    add_family(out, "vllm:num_requests_waiting_by_reason", "gauge",
               "Number of requests waiting, by reason.");
    add_engines(out, "vllm:num_requests_waiting_by_reason", ",reason=\"capacity\"", queued);
    add_engines(out, "vllm:num_requests_waiting_by_reason", ",reason=\"deferred\"", 0);
    add_family(out, "vllm:kv_cache_usage_perc", "gauge",
               "KV-cache usage. 1 means 100 percent usage.");
    add_engines(out, "vllm:kv_cache_usage_perc", "", 0);
    add_family(out, "vllm:request_success_total", "counter",
               "Count of successfully processed requests.");
    evbuffer_add_printf(out,
                        "vllm:request_success_total{engine=\"0\",finished_reason=\"stop\","
                        "model_name=\"simulated\"} %" PRIu64 ".0\n",
                        report->instance->counters.finished);
    add_family(out, "vllm:time_to_first_token_seconds", "histogram",
               "Histogram of time to first token in seconds.");
    evbuffer_add_printf(out, "vllm:time_to_first_token_seconds_bucket{engine=\"0\",le=\"+Inf\","
                             "model_name=\"simulated\"} 0.0\n"
                             "vllm:time_to_first_token_seconds_count{engine=\"0\","
                             "model_name=\"simulated\"} 0.0\n"
                             "vllm:time_to_first_token_seconds_sum{engine=\"0\","
                             "model_name=\"simulated\"} 0.0\n");
    report->type = PROMETHEUS;
}

void report_vllm_load(struct evbuffer *out, struct report *report)
{
    evbuffer_add_printf(out, "{\"server_load\":0}");
    report->type = RESPOND_JSON;
}

void report_sglang_metrics(struct evbuffer *out, struct report *report)
{
    add_family(out, "sglang:num_running_reqs", "gauge", "The number of running requests.");
    add_count(out, "sglang:num_running_reqs{engine_type=\"unified\",model_name=\"simulated\"} ",
              report, running(report->instance), ".0", "\n");
    add_family(out, "sglang:num_queue_reqs", "gauge",
               "The number of requests in the waiting queue.");
    evbuffer_add_printf(out,
                        "sglang:num_queue_reqs{engine_type=\"unified\",model_name=\"simulated\"} "
                        "%" PRId64 ".0\n",
                        waiting(report->instance));
    add_family(out, "sglang:token_usage", "gauge", "The token usage.");
    evbuffer_add_printf(
        out, "sglang:token_usage{engine_type=\"unified\",model_name=\"simulated\"} 0.28\n");
    report->type = PROMETHEUS;
}

void report_llamacpp_metrics(struct evbuffer *out, struct report *report)
{
    add_family(out, "llamacpp:prompt_tokens_total", "counter",
               "Number of prompt tokens processed, excluding cached tokens");
    evbuffer_add_printf(out, "llamacpp:prompt_tokens_total %" PRIu64 "\n",
                        report->instance->counters.finished * 7);
    add_family(out, "llamacpp:predicted_tokens_seconds", "gauge",
               "Average generation throughput in tokens/s");
    evbuffer_add_printf(out, "llamacpp:predicted_tokens_seconds 0\n");
    if (says_count(report)) {
        add_family(out, "llamacpp:requests_processing", "gauge", "Number of requests processing");
        add_count(out, "llamacpp:requests_processing ", report, running(report->instance), "",
                  "\n");
    }
    add_family(out, "llamacpp:requests_deferred", "gauge", "Number of requests deferred");
    evbuffer_add_printf(out, "llamacpp:requests_deferred %" PRId64 "\n", waiting(report->instance));
    add_family(out, "llamacpp:n_busy_slots_per_decode", "gauge",
               "Average number of busy slots per llama_decode() call");
    evbuffer_add_printf(out, "llamacpp:n_busy_slots_per_decode 0.52381\n");
    report->type = "text/plain; version=0.0.4";
}

/* The running ones aren't in it, until nothing else can be put into a batch with them. */
void report_triton_metrics(struct evbuffer *out, struct report *report)
{
    const int64_t pending = waiting(report->instance);
    add_family(out, "nv_inference_request_success", "counter",
               "Number of successful inference requests, all batch sizes");
    evbuffer_add_printf(out,
                        "nv_inference_request_success{model=\"first\",version=\"1\"} %" PRIu64 "\n"
                        "nv_inference_request_success{model=\"second\",version=\"1\"} 0\n",
                        report->instance->counters.finished);
    if (says_count(report)) {
        add_family(out, "nv_inference_pending_request_count", "gauge",
                   "Instantaneous number of pending requests awaiting execution per-model.");
        add_count(out, "nv_inference_pending_request_count{model=\"first\",version=\"1\"} ", report,
                  share(pending, 0), "", "\n");
        evbuffer_add_printf(
            out, "nv_inference_pending_request_count{model=\"second\",version=\"1\"} %" PRId64 "\n",
            share(pending, 1));
    }
    add_family(out, "nv_cpu_utilization", "gauge", "CPU utilization rate [0.0 - 1.0]");
    evbuffer_add_printf(out, "nv_cpu_utilization 0.02255639097744361\n");
    report->type = "text/plain; charset=utf-8";
}

/* --- JSON */

static void add_rank(struct evbuffer *out, const struct report *report, int rank, bool only)
{
    const struct instance *instance = report->instance;
    int64_t runs = running(instance);
    int64_t waits = waiting(instance);
    int64_t slots = instance->queue.slots;
    evbuffer_add_printf(out, "{\"dp_rank\":%d,", rank);
    if (rank == 0) {
        add_count(out, "\"num_running_reqs\":", report, only ? runs : share(runs, 0), "", ",");
    } else {
        evbuffer_add_printf(out, "\"num_running_reqs\":%" PRId64 ",", share(runs, 1));
    }
    evbuffer_add_printf(out,
                        "\"num_waiting_reqs\":%" PRId64 ",\"num_used_tokens\":0,"
                        "\"num_total_tokens\":0,\"max_total_num_tokens\":161721,"
                        "\"max_running_requests\":%" PRId64
                        ",\"token_usage\":0.0,\"gen_throughput\":0.0,\"cache_hit_rate\":0.0,"
                        "\"utilization\":0.0",
                        only ? waits : share(waits, rank), only ? slots : share(slots, rank));
    /* Everything but what is asked for as "core". */
    if (memmem(report->request->query.at, report->request->query.len, "include=core", 12) == NULL) {
        evbuffer_add_printf(
            out, ",\"queues\":{\"waiting\":%" PRId64 ",\"grammar\":0,\"paused\":0,\"retracted\":0}",
            only ? waits : share(waits, rank));
    }
    evbuffer_add_printf(out, "}");
}

void report_sglang_loads(struct evbuffer *out, struct report *report)
{
    char now[40];
    time_t seconds = time(NULL);
    struct tm parts;
    bool only = report->instance->queue.slots < 2;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&seconds, &parts));
    evbuffer_add_printf(out,
                        "{\"timestamp\":\"%s\",\"version\":\"0.5.9\",\"accelerator\":\"simulated\","
                        "\"num_accelerators\":1,\"loads\":[",
                        now);
    add_rank(out, report, 0, only);
    if (!only) {
        evbuffer_add_printf(out, ",");
        add_rank(out, report, 1, only);
    }
    evbuffer_add_printf(out, "]}");
    report->type = RESPOND_JSON;
}

void report_llamacpp_slots(struct evbuffer *out, struct report *report)
{
    unsigned slots = report->instance->queue.slots;
    int64_t busy = running(report->instance);
    slots = slots < REPORT_SLOTS_MAX ? slots : REPORT_SLOTS_MAX;
    evbuffer_add_printf(out, "[");
    for (unsigned i = 0; i < slots; i++) {
        evbuffer_add_printf(out, "%s{\"id\":%u,\"n_ctx\":4096,\"speculative\":false,",
                            i > 0 ? "," : "", i);
        if (i == 0 && report->wrong != NULL) {
            add_count(out, "\"is_processing\":", report, 0, "", ",");
        } else {
            evbuffer_add_printf(out, "\"is_processing\":%s,", (int64_t)i < busy ? "true" : "false");
        }
        evbuffer_add_printf(out, "\"params\":{\"n_predict\":-1,\"stream\":true},\"next_token\":"
                                 "[{\"has_next_token\":true,\"n_decoded\":58}]}");
    }
    evbuffer_add_printf(out, "]");
    report->type = RESPOND_JSON;
}
