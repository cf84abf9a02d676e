#include "options.h"

#include <string.h>

#include "config.h"
#include "presets.h"
#include "proxy_paths.h"

#define SECOND 1000U
#define HOUR (3600U * SECOND)
#define DAY (24U * HOUR)

#define FIELD(name) offsetof(struct config, name)
#define INSTANCE_FIELD(name) offsetof(struct instance_config, name)
#define INSTANCE_NAME_START "INSTANCE_N_"

const struct option_info instance_option_table[] = {
    {
        .name = "INSTANCE_N_URL",
        .type = OPTION_URL,
        .group = OPTION_INSTANCES,
        .scope = OPTION_IN_BOTH,
        .unset = "none",
        .help =
            "URL of instance N, from 1; numbers may have gaps; at least one is required, unless "
            "INSTANCES_DNS or INSTANCES_FILE is set",
        .more = "N is at most 65535. `http://` or `https://`, the latter with a host name; without "
                "a scheme `http://` is assumed. A path is a prefix for every request, a trailing "
                "`/` is dropped. No user name, password, query or fragment. A name that has "
                "several addresses is still one instance.",
    },
    {
        .name = "INSTANCE_N_CAPACITY",
        .type = OPTION_NUMBER,
        .group = OPTION_INSTANCES,
        .scope = OPTION_IN_BOTH,
        .is_for_instance = true,
        .instance_offset = INSTANCE_FIELD(own.capacity),
        .minimum = 1,
        .maximum = CAPACITY_MAX,
        .fallback = "1",
        .example = "4",
        .help = "how many jobs instance N does at a time, compared with the others",
        .more =
            "It wins over what `CAPACITY_FIELD` reads. Only the ratios count, so a speed will do "
            "as well. Where capacities are unequal, a job goes to the instance with the least "
            "(load + 1) / capacity; where they are equal, to the one with the least load, as "
            "without them.",
    },
};
const size_t instance_option_count =
    sizeof(instance_option_table) / sizeof(instance_option_table[0]);

const struct option_info option_table[] = {
    {
        .name = "INSTANCES_DNS",
        .type = OPTION_NAMES,
        .group = OPTION_INSTANCES,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(instances_dns),
        .unset = "none",
        .example = "http://workers:8000",
        .help = "URL with a DNS name: every address of the name is an instance, as long as it is "
                "there; several URLs are separated by commas",
        .more = "IPv4 and IPv6 addresses, `http://` only, at most 16 names. It is `leastjobs run` "
                "that follows them, while it runs.",
    },
    {
        .name = "INSTANCES_FILE",
        .type = OPTION_FILE,
        .group = OPTION_INSTANCES,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(instances_file),
        .unset = "none",
        .example = "/etc/leastjobs/instances",
        .help = "file of instances' URLs, one a line, that another program writes: each is an "
                "instance, as long as it is there",
        .more = "It is `leastjobs run` that follows it, while it runs.",
    },
    {
        .name = "INSTANCE_CA_FILE",
        .type = OPTION_FILE,
        .group = OPTION_INSTANCES,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(instance_ca_file),
        .unset = "the system's CAs",
        .example = "/etc/ssl/certs/my-ca.pem",
        .help = "PEM file of the CAs that sign https:// instances' certificates",
        .more = "The agent and HAProxy both read it.",
    },
    {
        .name = "HEALTH_CHECK_INTERVAL",
        .type = OPTION_DURATION,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(check_interval_ms),
        .minimum = 10,
        .maximum = HOUR,
        .fallback = "30",
        .help = "time between health checks of an instance: seconds, or with a unit (500ms, 2s, "
                "1m)",
        .more = "Of the failures within one interval one counts.",
    },
    {
        .name = "JOBS_INTERVAL",
        .type = OPTION_DURATION,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(jobs_interval_ms),
        .minimum = 10,
        .maximum = HOUR,
        .fallback = "1",
        .help = "while jobs run, each instance is asked for its jobs so often: how old the count "
                "of other people's jobs may be",
        .more = "An instance at which something has just changed is asked sooner, at the soonest "
                "after a tenth of it or ten times what its last check took. Never longer than "
                "`HEALTH_CHECK_INTERVAL`.",
    },
    {
        .name = "CHECK_TIMEOUT",
        .type = OPTION_DURATION,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(check_timeout_ms),
        .minimum = 10,
        .maximum = HOUR,
        .fallback = "5",
        .help = "the longest that a health check may take",
    },
    {
        .name = "UNHEALTHY_AFTER",
        .type = OPTION_NUMBER,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(unhealthy_after),
        .minimum = 1,
        .maximum = 100,
        .fallback = "3",
        .help = "failed checks in a row, one for each HEALTH_CHECK_INTERVAL, after which an "
                "instance gets no jobs",
        .more = "One good check brings it back.",
    },
    {
        .name = "HEALTH_PATH",
        .type = OPTION_PATH,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(health_path),
        .is_for_instance = true,
        .instance_offset = INSTANCE_FIELD(own.health_path),
        .unset = "the source's: /health",
        .example = "/health",
        .help = "an instance's health path, below its URL; a query may follow",
        .more = "Any status 2xx is healthy; where the answer has the count of jobs, that must be "
                "there too. Asked once per `HEALTH_CHECK_INTERVAL` if the load is elsewhere.",
    },
    {
        .name = "JOBS_SOURCE",
        .type = OPTION_SOURCE,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(jobs_source),
        .is_for_instance = true,
        .instance_offset = INSTANCE_FIELD(own.jobs_source),
        .fallback = PRESET_DEFAULT,
        .help = "what kind of server an instance is, and so where its count of jobs is: whisperx, "
                "vllm, sglang, llamacpp, whispercpp, triton, none (nowhere), or json or prometheus "
                "with JOBS_FIELD",
        .more = "An instance with one of its own takes nothing of `JOBS_FIELD`, `LOAD_URL`, "
                "`HEALTH_PATH` and `CAPACITY_FIELD` for all.",
    },
    {
        .name = "JOBS_FIELD",
        .type = OPTION_LOCATOR,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(jobs_field),
        .is_for_instance = true,
        .instance_offset = INSTANCE_FIELD(own.jobs_field),
        .unset = "the source's",
        .example = "/active_jobs,/concurrency/active_transcriptions",
        .help = "where the number of active jobs is: JSON Pointers (RFC 6901) or names of metrics; "
                "of several with commas the first that is there counts, those with + are added up",
        .more = "A pointer's step `*` is each element of an array or object: numbers are added up, "
                "true is 1, false 0 (`/slots/*/is_processing`). A metric's name is exact, may have "
                "labels (`jobs{state=\"running\"}`), and is added up over its series.",
    },
    {
        .name = "LOAD_URL",
        .type = OPTION_REQUEST,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(load_url),
        .is_for_instance = true,
        .instance_offset = INSTANCE_FIELD(own.load_url),
        .unset = "the source's, else the health path",
        .example = "/metrics",
        .help = "where the number of active jobs is asked for: a path below the instance's URL, "
                "another port of its host and a path (:8002/metrics), or a whole URL; a query may "
                "follow",
    },
    {
        .name = "CAPACITY_FIELD",
        .type = OPTION_LOCATOR,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(capacity_field),
        .is_for_instance = true,
        .instance_offset = INSTANCE_FIELD(own.capacity_field),
        .unset = "not read",
        .example = "auto",
        .help = "where an instance's answer says how many jobs it does at a time, as JOBS_FIELD; "
                "auto: where the source knows it to be",
        .more =
            "What isn't there, or isn't a whole number from 1 to 10000, is no failed check: the "
            "capacity stays what it was, 1 at first.",
    },
    {
        .name = "HEALTH_HEADERS_FILE",
        .type = OPTION_FILE,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(health_headers_file),
        .unset = "none",
        .example = "/etc/leastjobs/health-headers",
        .help = "file of header fields that health checks carry, one a line, such as "
                "Authorization: Bearer and a token",
        .more =
            "At most 32 fields, 16 KiB together; a line that starts with `#` is a comment. They "
            "are sent to every instance. A running agent reads the file again on SIGHUP.",
    },
    {
        .name = "JOB_ID_FIELD",
        .type = OPTION_MEMBER,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(job_id_field),
        .fallback = "/job_id",
        .help = "JSON Pointer to the job id in the answer to a job that was accepted and goes on "
                "(asynchronous)",
        .more = "An answer of status 202, or a JSON one of at most 8 KiB that has an id there, is "
                "a job that goes on after its answer. The id of a 202 without one is the last part "
                "of its `Location` or `Operation-Location`. Names of letters, digits, `_` and `-`, "
                "which don't start with a digit.",
    },
    {
        .name = "JOBS_PATH",
        .type = OPTION_PATHS,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(jobs_path),
        .fallback = "/v1/jobs",
        .example = "/v1/jobs,/v1/videos",
        .help = "paths below which asynchronous jobs are found by their ids, separated by commas",
        .more =
            "`JOBS_PATH/ID` and all below it goes to the instance that has the job; `GET` of the "
            "path itself lists the jobs of all instances, `POST` to it is a job. No trailing "
            "`/`.",
    },
    {
        .name = "JOB_RETENTION",
        .type = OPTION_DURATION,
        .group = OPTION_HEALTH,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(job_retention_ms),
        .minimum = SECOND,
        .maximum = 20 * DAY,
        .fallback = "24h",
        .help = "how long HAProxy remembers which instance has an asynchronous job",
        .more = "As long as the instances keep results. Whose job it doesn't remember is asked of "
                "all instances.",
    },
    {
        .name = "PORT",
        .type = OPTION_PORT,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(port),
        .minimum = 1,
        .maximum = 65535,
        .fallback = "8080",
        .help = "the balancer's port",
    },
    {
        .name = "BIND_ADDRESS",
        .type = OPTION_BIND,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(bind_address),
        .fallback = "*",
        .help = "address of the balancer's port; * is all of IPv4, :: all of IPv6 and IPv4",
    },
    {
        .name = "PROXY_PATHS",
        .type = OPTION_PROXIED,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(proxy_paths),
        .fallback = PROXY_PATHS_WHISPERX,
        .example = "whisperx,openai,/docs/*",
        .help = "the paths that go to the instances, and presets of paths, separated by commas; a "
                "trailing / or * makes a prefix",
        .more = "`whisperx`: `/v1/audio/transcriptions`, `/transcribe` (sent on as the first), "
                "`/v1/uploads` and `/v1/downloads`, which take POST only. `openai`: "
                "`/v1/audio/*`, `/v1/models`, `/v1/models/*`, `/v1/chat/completions`, "
                "`/v1/completions`, `/v1/embeddings`, `/v1/responses`, `/v1/moderations`, "
                "`/v1/images/*`, `/v1/realtime`, `/v1/rerank` and `/v1/score`, with any method. "
                "What has such a path is a job for any instance, also a WebSocket or a stream of "
                "events while it is open.",
    },
    {
        .name = "EXTRA_PATHS",
        .type = OPTION_PATHS,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(extra_paths),
        .unset = "none",
        .example = "/v1/models,/docs/",
        .help = "further paths that go to the instances, separated by commas; a trailing / makes "
                "a prefix",
        .more = "The older name of `PROXY_PATHS`: what is in it is added to that.",
    },
    {
        .name = "CORS_ORIGINS",
        .type = OPTION_ORIGINS,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(cors_origins),
        .fallback = CONFIG_ALL_ORIGINS,
        .example = "https://page.example,http://localhost:3000",
        .help = "origins whose pages browsers let read answers (CORS), separated by commas; *: "
                "all; none: the instances say",
        .more = "Unless it is `none`, preflights are answered here, without a key. With `*` what "
                "an instance says itself stands; a list replaces it, and lets these pages send "
                "cookies. An origin is what browsers send, such as `https://page.example:8443`: "
                "no path, no port that is the scheme's own.",
    },
    {
        .name = "TRUSTED_PROXIES",
        .type = OPTION_NETWORKS,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(trusted_proxies),
        .fallback = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7",
        .help = "addresses and networks of proxies before the balancer (an nginx that does TLS, "
                "say) whose X-Forwarded-* is believed, separated by commas; none: nobody's",
        .more = "What such a client says in `X-Forwarded-*`, `Forwarded` and `X-Real-IP` is handed "
                "on to the instance; what anybody else says there is dropped. Link-local addresses "
                "and `100.64.0.0/10` are not among the default ones.",
    },
    {
        .name = "TLS_CERT_FILE",
        .type = OPTION_FILE,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(tls_cert_file),
        .unset = "no TLS",
        .example = "/etc/leastjobs/balancer.pem",
        .help = "PEM file of the balancer's own certificate chain and key: its port then speaks "
                "TLS 1.2 and 1.3",
        .more = "HAProxy reads a changed file when it is reloaded.",
    },
    {
        .name = "HSTS_MAX_AGE",
        .type = OPTION_NUMBER,
        .group = OPTION_FRONT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(hsts_max_age_s),
        .minimum = 1,
        .maximum = 100000000,
        .unset = "browsers aren't told",
        .example = "31536000",
        .help = "with TLS_CERT_FILE: seconds for which browsers are told to insist on TLS "
                "(RFC 6797)",
    },
    {
        .name = "API_KEYS_FILE",
        .type = OPTION_FILE,
        .group = OPTION_ACCESS,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(api_keys_file),
        .unset = "everybody may send jobs",
        .example = "/etc/leastjobs/keys",
        .help = "file of API keys, one a line: jobs then need Authorization: Bearer and one of "
                "them, else the answer is 401",
        .more = "A key is 16 or more letters, digits or `-._~+/`, and may end in `=`; a line that "
                "starts with `#` is a comment. HAProxy reads a changed file when it is reloaded.",
    },
    {
        .name = "STATUS_NEEDS_KEY",
        .type = OPTION_FLAG,
        .group = OPTION_ACCESS,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(status_needs_key),
        .fallback = "no",
        .help = "yes: with API_KEYS_FILE, / and /health need a key too",
    },
    {
        .name = "REQUEST_TIMEOUT",
        .type = OPTION_DURATION,
        .group = OPTION_LIMITS,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(request_timeout_ms),
        .minimum = SECOND,
        .maximum = 20 * DAY,
        .fallback = "3600",
        .help = "the longest that a request may be silent: seconds or with a unit",
    },
    {
        .name = "CONNECT_TIMEOUT",
        .type = OPTION_DURATION,
        .group = OPTION_LIMITS,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(connect_timeout_ms),
        .minimum = 100,
        .maximum = HOUR,
        .fallback = "3",
        .help = "the longest that a connection to an instance may take, before the next one is "
                "tried",
        .more = "More than a minute gives a warning: a job waits as long at each instance that "
                "doesn't answer.",
    },
    {
        .name = "MAX_CONNECTIONS",
        .type = OPTION_NUMBER,
        .group = OPTION_LIMITS,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(max_connections),
        .minimum = 10,
        .maximum = 1000000,
        .unset = "what the limit of open files allows",
        .example = "2000",
        .help = "jobs at a time; more get 503 with Retry-After at once",
        .more = "`/` and `/health` are answered all the same. Where the limit of open files allows "
                "fewer than 100, a warning says what to raise it to.",
    },
    {
        .name = "THREADS",
        .type = OPTION_NUMBER,
        .group = OPTION_LIMITS,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(threads),
        .minimum = 1,
        .maximum = 64,
        .fallback = "1",
        .help = "HAProxy's threads; more than 1 makes bursts less even",
        .more = "More than one serves more TLS, but two threads may pick the same instance in a "
                "burst.",
    },
    {
        .name = "LOG_LEVEL",
        .type = OPTION_LEVEL,
        .group = OPTION_LOG,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(log_level),
        .fallback = "INFO",
        .help = "DEBUG (every instance's load in each job's line), INFO, WARNING or ERROR",
    },
    {
        .name = "AGENT_HOST",
        .type = OPTION_HOST,
        .group = OPTION_AGENT,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(agent_host),
        .fallback = "127.0.0.1",
        .help = "where HAProxy finds the agent: an address, or a name, which is followed when it "
                "changes",
    },
    {
        .name = "AGENT_BIND_ADDRESS",
        .type = OPTION_BIND,
        .group = OPTION_AGENT,
        .scope = OPTION_IN_AGENT,
        .offset = FIELD(agent_bind_address),
        .fallback = "127.0.0.1",
        .help = "address of the agent's two ports",
    },
    {
        .name = "AGENT_PORT",
        .type = OPTION_PORT,
        .group = OPTION_AGENT,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(agent_port),
        .minimum = 1,
        .maximum = 65535,
        .fallback = "9777",
        .help = "port of the agent-checks",
    },
    {
        .name = "STATUS_PORT",
        .type = OPTION_PORT,
        .group = OPTION_AGENT,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(status_port),
        .minimum = 1,
        .maximum = 65535,
        .fallback = "9778",
        .help =
            "port of the agent's HTTP: /, /health, /metrics, and jobs that HAProxy doesn't know",
        .more = "`/metrics` is for Prometheus; an instance is the label `name`.",
    },
    {
        .name = "HAPROXY_SOCKET",
        .type = OPTION_FILE,
        .group = OPTION_HAPROXY,
        .scope = OPTION_IN_BOTH,
        .offset = FIELD(haproxy_socket),
        .fallback = "/run/leastjobs/haproxy.sock",
        .help = "HAProxy's runtime socket, which the agent reads; with .admin behind it, the "
                "operator's",
        .more = "At most 90 characters. Its folder must be there: `leastjobs-genconf --check` "
                "looks.",
    },
    {
        .name = "HAPROXY_USER",
        .type = OPTION_USER,
        .group = OPTION_HAPROXY,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(haproxy_user),
        .unset = "haproxy, if genconf runs as root and there is such a user",
        .example = "haproxy",
        .help = "user that HAProxy becomes, in a chroot, if started as root; root: it stays root",
    },
    {
        .name = "STOP_TIMEOUT",
        .type = OPTION_DURATION,
        .group = OPTION_HAPROXY,
        .scope = OPTION_IN_RUN,
        .offset = FIELD(stop_timeout_ms),
        .minimum = 0,
        .maximum = 20 * DAY,
        .fallback = "5m",
        .help = "how long leastjobs run lets open jobs end when it is stopped; 0: not at all",
        .more = "Then they are cut off. A second SIGTERM or SIGINT cuts them off at once.",
    },
    {
        .name = "ADMIN_BIND_ADDRESS",
        .type = OPTION_BIND,
        .group = OPTION_HAPROXY,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(admin_bind_address),
        .fallback = "127.0.0.1",
        .help = "address that ADMIN_PORT is opened on",
    },
    {
        .name = "ADMIN_PORT",
        .type = OPTION_PORT,
        .group = OPTION_HAPROXY,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(admin_port),
        .minimum = 1,
        .maximum = 65535,
        .fallback = "8404",
        .help = "port of the fleet page (/), of HAProxy's own statistics (/haproxy) and of what "
                "Prometheus reads (/metrics, /metrics/agent)",
    },
    {
        .name = "ADMIN_PASSWORD_FILE",
        .type = OPTION_FILE,
        .group = OPTION_HAPROXY,
        .scope = OPTION_IN_HAPROXY,
        .offset = FIELD(admin_password_file),
        .unset = "everybody who reaches ADMIN_PORT may read there, nobody may change anything",
        .example = "/etc/leastjobs/password",
        .help = "file of passwords, one a line: ADMIN_PORT then needs one of them, but for what "
                "Prometheus reads, and its pages have buttons",
        .more = "A password is 12 or more printable characters of ASCII without blanks; a line "
                "that starts with `#` is a comment. The user's name is anything. HAProxy reads a "
                "changed file when it is reloaded.",
    },
};
const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

const char *option_group_title(enum option_group group)
{
    static const char *const titles[OPTION_GROUPS] = {
        [OPTION_INSTANCES] = "The instances",
        [OPTION_HEALTH] = "Their health and their jobs",
        [OPTION_FRONT] = "The balancer's door",
        [OPTION_ACCESS] = "Who may send jobs",
        [OPTION_LIMITS] = "Limits",
        [OPTION_LOG] = "Logs",
        [OPTION_AGENT] = "The agent",
        [OPTION_HAPROXY] = "The HAProxy process",
    };

    return titles[group];
}

const struct option_info *option_find(const char *name)
{
    for (size_t i = 0; i < option_count; i++) {
        if (strcmp(option_table[i].name, name) == 0)
            return &option_table[i];
    }
    return NULL;
}

const struct option_info *option_for_instance(size_t index)
{
    if (index < instance_option_count)
        return &instance_option_table[index];
    index -= instance_option_count;
    for (size_t i = 0; i < option_count; i++) {
        if (option_table[i].is_for_instance && index-- == 0)
            return &option_table[i];
    }
    return NULL;
}

const char *option_instance_name(const struct option_info *option)
{
    size_t length = strlen(INSTANCE_NAME_START);

    return strncmp(option->name, INSTANCE_NAME_START, length) == 0 ? option->name + length
                                                                   : option->name;
}

bool option_is_text(const struct option_info *option)
{
    return option->type >= OPTION_BIND;
}

static void print_option(FILE *stream, const struct option_info *option)
{
    bool is_for_one = option->is_for_instance && option_instance_name(option) == option->name;

    fprintf(stream, "  %s%s%s\n      %s%s%s%s%s\n", option->name, option->fallback ? "=" : "",
            option->fallback ? option->fallback : "", option->help,
            option->unset ? "; default: " : "", option->unset ? option->unset : "",
            is_for_one ? "; for one instance: " INSTANCE_NAME_START : "",
            is_for_one ? option->name : "");
}

static void print_group(FILE *stream, enum option_group group, const struct option_info *table,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].group == group)
            print_option(stream, &table[i]);
    }
}

void options_print(FILE *stream)
{
    fprintf(stream, "Variables (an empty one counts as unset):\n");
    for (enum option_group group = 0; group < OPTION_GROUPS; group++) {
        fprintf(stream, "\n%s\n", option_group_title(group));
        print_group(stream, group, instance_option_table, instance_option_count);
        print_group(stream, group, option_table, option_count);
    }
}
