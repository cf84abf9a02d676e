#include "presets.h"

#include <stdio.h>
#include <string.h>

#include "sources/source_json.h"
#include "sources/source_prometheus.h"

#define NAMES_MAX 128

const struct preset preset_table[] = {
    {
        .name = PRESET_DEFAULT,
        .server = "WhisperX (morpheus-STT)",
        .health_path = "/health",
        .source = &source_json,
        .locator = "/active_jobs,/concurrency/active_transcriptions",
        .capacity_locator = "/concurrency/max_concurrent_requests",
        .read_in = "its source, 2026-09 (`/concurrency/active_jobs` is a history)",
    },
    {
        .name = "vllm",
        .server = "vLLM",
        .health_path = "/health",
        .load_url = "/metrics",
        .source = &source_prometheus,
        .locator = "vllm:num_requests_running+vllm:num_requests_waiting",
        .read_in = "its source, vllm/v1/metrics/loggers.py, 005a810 (its `/load` is 0 unless "
                   "switched on)",
    },
    {
        .name = "sglang",
        .server = "SGLang",
        .health_path = "/health",
        .load_url = "/v1/loads?include=core",
        .source = &source_json_rows,
        .locator = "/loads/*/num_running_reqs+/loads/*/num_waiting_reqs",
        .capacity_locator = "/loads/*/max_running_requests",
        .hint = "an older one needs JOBS_SOURCE=prometheus (see the manual)",
        .read_in = "its source, python/sglang/srt/entrypoints/v1_loads.py, 0564b52",
    },
    {
        .name = "llamacpp",
        .server = "llama.cpp's llama-server",
        .health_path = "/health",
        .load_url = "/metrics",
        .source = &source_prometheus,
        .locator = "llamacpp:requests_processing+llamacpp:requests_deferred",
        .hint = "start llama-server with --metrics",
        .read_in = "a server's own answers, llama.cpp 0.7.0 of Debian",
    },
    {
        .name = "whispercpp",
        .server = "whisper.cpp's whisper-server",
        .health_path = "/health",
        .counting = COUNTS_NOTHING,
        .read_in =
            "its source, examples/server/server.cpp, c838670 (its `/load` loads a model: it is "
            "never asked)",
    },
    {
        .name = "triton",
        .server = "Triton Inference Server",
        .health_path = "/v2/health/ready",
        .load_url = ":8002/metrics",
        .source = &source_prometheus,
        .locator = "nv_inference_pending_request_count",
        .counting = COUNTS_WAITING,
        .hint = "not in older Tritons, nor with --allow-metrics=false",
        .read_in = "its user guide, the chapter on metrics, dcc9123",
    },
    {
        .name = "none",
        .health_path = "/health",
        .counting = COUNTS_NOTHING,
    },
    {
        .name = "json",
        .health_path = "/health",
        .source = &source_json,
    },
    {
        .name = "prometheus",
        .health_path = "/health",
        .source = &source_prometheus,
    },
};
const size_t preset_count = sizeof(preset_table) / sizeof(preset_table[0]);

const struct preset *preset_find(const char *name)
{
    for (size_t i = 0; i < preset_count; i++) {
        if (strcmp(preset_table[i].name, name) == 0)
            return &preset_table[i];
    }
    return NULL;
}

const char *preset_names(void)
{
    static char names[NAMES_MAX];
    size_t length = 0;

    for (size_t i = 0; i < preset_count; i++)
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
                                   i == 0 ? "" : ", ", preset_table[i].name);
    return names;
}
