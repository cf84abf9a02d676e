#include "options.h"

#include "config.h"

#define SECOND 1000U
#define HOUR (3600U * SECOND)
#define DAY (24U * HOUR)

#define FIELD(name) offsetof(struct config, name)

const struct option_info option_table[] = {
    {"PORT", OPTION_PORT, FIELD(port), 1, 65535, "8080", "the balancer's port"},
    {"BIND_ADDRESS", OPTION_BIND, FIELD(bind_address), 0, 0, "*",
     "address of the balancer's port; * is all of IPv4, :: all of IPv6 and IPv4"},
    {"HEALTH_CHECK_INTERVAL", OPTION_DURATION, FIELD(check_interval_ms), 10, HOUR, "30",
     "time between health checks of an instance: seconds, or with a unit (500ms, 2s, 1m)"},
    {"JOBS_INTERVAL", OPTION_DURATION, FIELD(jobs_interval_ms), 10, HOUR, "1",
     "how old the count of an instance's jobs may be while jobs run; at most "
     "HEALTH_CHECK_INTERVAL"},
    {"CHECK_TIMEOUT", OPTION_DURATION, FIELD(check_timeout_ms), 10, HOUR, "5",
     "the longest that a health check may take"},
    {"HEALTH_PATH", OPTION_PATH, FIELD(health_path), 0, 0, "/health",
     "an instance's health path, below its URL"},
    {"JOBS_FIELD", OPTION_POINTERS, FIELD(jobs_field), 0, 0,
     "/active_jobs,/concurrency/active_transcriptions",
     "JSON Pointers (RFC 6901) to the number of active jobs; the first that is there counts"},
    {"JOB_ID_FIELD", OPTION_MEMBER, FIELD(job_id_field), 0, 0, "/job_id",
     "JSON Pointer to the job id in the answer to a job that was accepted and goes on"},
    {"UNHEALTHY_AFTER", OPTION_NUMBER, FIELD(unhealthy_after), 1, 100, "3",
     "failed checks in a row, one for each HEALTH_CHECK_INTERVAL, that make an instance unhealthy"},
    {"REQUEST_TIMEOUT", OPTION_DURATION, FIELD(request_timeout_ms), SECOND, 20 * DAY, "3600",
     "the longest that a request may be silent: seconds or with a unit"},
    {"CONNECT_TIMEOUT", OPTION_DURATION, FIELD(connect_timeout_ms), 100, HOUR, "3",
     "the longest that a connection to an instance may take, before the next one is tried"},
    {"LOG_LEVEL", OPTION_LEVEL, FIELD(log_level), 0, 0, "INFO", "DEBUG, INFO, WARNING or ERROR"},
    {"INSTANCE_CA_FILE", OPTION_FILE, FIELD(instance_ca_file), 0, 0, NULL,
     "PEM file of the CAs that sign https:// instances' certificates; default: the system's"},
    {"TLS_CERT_FILE", OPTION_FILE, FIELD(tls_cert_file), 0, 0, NULL,
     "PEM file of the balancer's own certificate chain and key: its port then speaks TLS"},
    {"HSTS_MAX_AGE", OPTION_NUMBER, FIELD(hsts_max_age_s), 1, 100000000, NULL,
     "with TLS_CERT_FILE: seconds for which browsers are told to insist on TLS (RFC 6797)"},
    {"API_KEYS_FILE", OPTION_FILE, FIELD(api_keys_file), 0, 0, NULL,
     "file of API keys, one a line: jobs then need Authorization: Bearer and one of them"},
    {"STATUS_NEEDS_KEY", OPTION_FLAG, FIELD(status_needs_key), 0, 0, "no",
     "yes: with API_KEYS_FILE, / and /health need a key too"},
    {"EXTRA_PATHS", OPTION_PATHS, FIELD(extra_paths), 0, 0, NULL,
     "further paths that go to the instances, separated by commas; a trailing / makes a prefix"},
    {"TRUSTED_PROXIES", OPTION_NETWORKS, FIELD(trusted_proxies), 0, 0,
     "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
     "addresses and networks whose X-Forwarded-* is believed, separated by commas, or none"},
    {"THREADS", OPTION_NUMBER, FIELD(threads), 1, 64, "1",
     "HAProxy's threads; more than 1 makes bursts less even"},
    {"MAX_CONNECTIONS", OPTION_NUMBER, FIELD(max_connections), 10, 1000000, NULL,
     "jobs at a time, more get 503 at once; default: what the limit of open files allows"},
    {"HAPROXY_USER", OPTION_USER, FIELD(haproxy_user), 0, 0, NULL,
     "user that HAProxy becomes, in a chroot, if started as root; default: haproxy, if genconf "
     "runs "
     "as root"},
    {"AGENT_HOST", OPTION_HOST, FIELD(agent_host), 0, 0, "127.0.0.1",
     "where HAProxy finds the agent: an address, or a name, which is followed when it changes"},
    {"AGENT_BIND_ADDRESS", OPTION_BIND, FIELD(agent_bind_address), 0, 0, "127.0.0.1",
     "address of the agent's two ports"},
    {"AGENT_PORT", OPTION_PORT, FIELD(agent_port), 1, 65535, "9777", "port of the agent-checks"},
    {"STATUS_PORT", OPTION_PORT, FIELD(status_port), 1, 65535, "9778",
     "port of the agent's HTTP: /, /health and /metrics"},
    {"ADMIN_BIND_ADDRESS", OPTION_BIND, FIELD(admin_bind_address), 0, 0, "127.0.0.1",
     "address of HAProxy's statistics page and Prometheus exporter"},
    {"ADMIN_PORT", OPTION_PORT, FIELD(admin_port), 1, 65535, "8404",
     "port of HAProxy's statistics page and Prometheus exporter"},
    {"HAPROXY_SOCKET", OPTION_FILE, FIELD(haproxy_socket), 0, 0, "/run/leastjobs/haproxy.sock",
     "HAProxy's runtime socket, which the agent reads; with .admin behind it, the operator's"},
};
const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

void options_print(FILE *stream)
{
    fprintf(stream, "Variables (an empty one counts as unset):\n"
                    "  INSTANCE_N_URL\n"
                    "      URL of instance N, from 1; numbers may have gaps. At least one.\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_info *option = &option_table[i];
        fprintf(stream, "  %s%s%s\n      %s\n", option->name, option->fallback ? "=" : "",
                option->fallback ? option->fallback : "", option->help);
    }
}
