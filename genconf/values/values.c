#include "values/values.h"

#include <string.h>

#include "proxy_paths.h"
#include "values/value.h"

enum kind { NUMBER, MS, FLAG, WORD, TEXT };

enum loop {
    EVERYWHERE = TEMPLATE_EVERYWHERE,
    INSTANCE,
    PROXY_PATH,
    CORS_ORIGIN,
    JOBS_PATH,
    TRUSTED_PROXY
};

struct value {
    struct template_name name;
    enum kind kind;
    union {
        unsigned (*number)(const struct place *at); /* of NUMBER, and of MS */
        bool (*flag)(const struct place *at);
        const char *(*word)(const struct place *at);
        void (*text)(const struct place *at, struct text *out);
    } of;
    const char *help;
};

#define ROW(loop, kind, shown_kind, member, name, help)                                            \
    {                                                                                              \
        {#name, shown_kind, loop}, kind, {.member = value_##name}, help                            \
    }
#define A_NUMBER(loop, name, help) ROW(loop, NUMBER, TEMPLATE_NUMBER, number, name, help)
#define A_TIME(loop, name, help) ROW(loop, MS, TEMPLATE_TEXT, number, name, help)
#define A_FLAG(loop, name, help) ROW(loop, FLAG, TEMPLATE_FLAG, flag, name, help)
#define A_WORD(loop, name, help) ROW(loop, WORD, TEMPLATE_TEXT, word, name, help)
#define A_TEXT(loop, name, help) ROW(loop, TEXT, TEMPLATE_TEXT, text, name, help)

/* clang-format off */
static const struct value table[] = {
    A_WORD(EVERYWHERE, version, "of leastjobs"),
    A_NUMBER(EVERYWHERE, instance_count, "how many instances there are"),
    A_FLAG(EVERYWHERE, several_instances, "there isn't just one instance"),
    A_NUMBER(EVERYWHERE, threads, "THREADS"),
    A_WORD(EVERYWHERE, haproxy_user, "HAPROXY_USER, also the group; empty if HAProxy stays who it is"),
    A_WORD(EVERYWHERE, haproxy_socket, "HAPROXY_SOCKET, the agent's runtime socket"),
    A_TEXT(EVERYWHERE, state_file, "where the agent notes drains and maintenance for HAProxy"),
    A_WORD(EVERYWHERE, log_level, "LOG_LEVEL in syslog's words"),
    A_FLAG(EVERYWHERE, debug, "LOG_LEVEL is DEBUG"),
    A_FLAG(EVERYWHERE, uses_dns, "an instance or the agent is found by its name"),
    A_NUMBER(EVERYWHERE, max_connections, "MAX_CONNECTIONS, jobs at a time"),
    A_NUMBER(EVERYWHERE, all_connections, "balancer_, again_, relay_ and admin_connections together"),
    A_NUMBER(EVERYWHERE, balancer_connections, "max_connections, and a spare part for status requests and refusals"),
    A_NUMBER(EVERYWHERE, refusal_connections, "balancer_connections without the last, which are for status requests"),
    A_NUMBER(EVERYWHERE, passes, "jobs in the loop again at a time"),
    A_NUMBER(EVERYWHERE, again_connections, "passes, and a few for refusals"),
    A_NUMBER(EVERYWHERE, relay_connections, "agent-checks at a time through the relay"),
    A_NUMBER(EVERYWHERE, admin_connections, "watchers at a time: the fleet page, statistics, metrics"),
    A_NUMBER(EVERYWHERE, runtime_sessions, "at HAProxy's runtime sockets"),
    A_NUMBER(EVERYWHERE, port, "PORT"),
    A_TEXT(EVERYWHERE, balancer_address, "BIND_ADDRESS:PORT"),
    A_FLAG(EVERYWHERE, balancer_dual_stack, "BIND_ADDRESS is :: and takes IPv4 too"),
    A_NUMBER(EVERYWHERE, admin_port, "ADMIN_PORT"),
    A_TEXT(EVERYWHERE, admin_address, "ADMIN_BIND_ADDRESS:ADMIN_PORT"),
    A_FLAG(EVERYWHERE, admin_dual_stack, "ADMIN_BIND_ADDRESS is :: and takes IPv4 too"),
    A_WORD(EVERYWHERE, tls_cert_file, "TLS_CERT_FILE; empty without TLS"),
    A_NUMBER(EVERYWHERE, hsts_max_age, "HSTS_MAX_AGE in seconds; 0 for none"),
    A_WORD(EVERYWHERE, api_keys_file, "API_KEYS_FILE; empty without keys"),
    A_FLAG(EVERYWHERE, status_needs_key, "STATUS_NEEDS_KEY"),
    A_WORD(EVERYWHERE, admin_password_file, "ADMIN_PASSWORD_FILE; empty without a password"),
    A_FLAG(EVERYWHERE, trusted_proxies, "TRUSTED_PROXIES has some"),
    A_FLAG(EVERYWHERE, whisperx_paths, "PROXY_PATHS has whisperx"),
    A_FLAG(EVERYWHERE, proxy_paths, "PROXY_PATHS has others, or EXTRA_PATHS has some"),
    A_FLAG(EVERYWHERE, proxy_prefixes, "one of them stands for all below it"),
    A_FLAG(EVERYWHERE, jobs_of_any_method, "not only POST makes a job: other paths, or preflights with CORS_ORIGINS none"),
    A_FLAG(EVERYWHERE, cors_all, "CORS_ORIGINS is *"),
    A_FLAG(EVERYWHERE, cors_none, "CORS_ORIGINS is none"),
    A_TIME(EVERYWHERE, request_timeout, "REQUEST_TIMEOUT"),
    A_NUMBER(EVERYWHERE, retry_after, "seconds until all instances have been asked again, at most 30"),
    A_TIME(EVERYWHERE, connect_timeout, "CONNECT_TIMEOUT"),
    A_TIME(EVERYWHERE, check_timeout, "CHECK_TIMEOUT"),
    A_TIME(EVERYWHERE, check_interval, "HEALTH_CHECK_INTERVAL"),
    A_TIME(EVERYWHERE, down_check_interval, "the same for an instance that is down, at most 1 s"),
    A_NUMBER(EVERYWHERE, unhealthy_after, "UNHEALTHY_AFTER, failed checks in a row"),
    A_WORD(EVERYWHERE, instance_ca_file, "INSTANCE_CA_FILE, or the system's"),
    A_FLAG(EVERYWHERE, path_prefixes, "an instance's URL has a path"),
    A_TEXT(EVERYWHERE, job_id_path, "JOB_ID_FIELD as json_query() has it behind its $."),
    A_TIME(EVERYWHERE, job_retention, "JOB_RETENTION"),
    A_FLAG(EVERYWHERE, compares_capacities, "capacities are unequal, or may be"),
    A_FLAG(EVERYWHERE, tells_capacities, "the agent tells some of them to HAProxy"),
    A_FLAG(EVERYWHERE, agent_is_remote, "AGENT_HOST is a name, of another host"),
    A_WORD(EVERYWHERE, agent_host, "AGENT_HOST"),
    A_NUMBER(EVERYWHERE, agent_port, "AGENT_PORT"),
    A_WORD(EVERYWHERE, agent_check_address, "the agent's address, or the relay's if the agent is remote"),
    A_TIME(EVERYWHERE, agent_check_interval, "a quarter of HEALTH_CHECK_INTERVAL, at most 1 s"),
    A_TEXT(EVERYWHERE, status_address, "AGENT_HOST:STATUS_PORT"),

    A_NUMBER(INSTANCE, number, "the N of INSTANCE_N_URL"),
    A_FLAG(INSTANCE, is_first, "no other is before it"),
    A_TEXT(INSTANCE, address, "its URL's host:port, to connect to"),
    A_WORD(INSTANCE, authority, "the same as its Host field wants it"),
    A_WORD(INSTANCE, host, "its name or address"),
    A_FLAG(INSTANCE, has_name, "host is a name"),
    A_FLAG(INSTANCE, is_looked_up, "host is a name for DNS, so not localhost"),
    A_FLAG(INSTANCE, is_https, "its URL is https://"),
    A_WORD(INSTANCE, path_prefix, "its URL's path without the last /; empty without one"),
    A_FLAG(INSTANCE, tells_capacity, "the agent tells its capacity to HAProxy"),
    A_TEXT(INSTANCE, capacity, "its capacity, or req.capacity if the agent tells it"),

    A_TEXT(PROXY_PATH, path, "one of PROXY_PATHS or EXTRA_PATHS, without a last *"),
    A_FLAG(PROXY_PATH, is_prefix, "path ends in / or * and stands for all below it"),

    A_TEXT(CORS_ORIGIN, origin, "one of CORS_ORIGINS"),

    A_TEXT(JOBS_PATH, jobs_root, "one of JOBS_PATH: what an id is behind"),
    A_NUMBER(JOBS_PATH, id_field, "which part of a path, counted between its slashes, the id is"),

    A_TEXT(TRUSTED_PROXY, network, "one of TRUSTED_PROXIES: an address or a block of them"),
};

static const struct {
    const char *name;
    const char *help;
} loops[] = {
    {"instance", "in the order of their numbers"},
    {"proxy_path", "those of PROXY_PATHS but whisperx's, then those of EXTRA_PATHS"},
    {"cors_origin", "in the order of CORS_ORIGINS; none if it is * or none"},
    {"jobs_path", "in the order of JOBS_PATH"},
    {"trusted_proxy", "in the order of TRUSTED_PROXIES"},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct template_name *name_of(size_t index)
{
    return &table[index].name;
}

static const char *loop_name(size_t index)
{
    return loops[index].name;
}

static size_t count_items(const void *context, size_t loop)
{
    const struct config *config = context;

    switch (loop + 1) {
    case INSTANCE:
        return config->instance_count;
    case PROXY_PATH:
        return proxy_paths_count(config);
    case CORS_ORIGIN:
        return value_count_cors_origins(config);
    case JOBS_PATH:
        return value_count_jobs_paths(config);
    default:
        return value_count_trusted_proxies(config);
    }
}

static void put(const void *context, size_t name, size_t item, struct text *out)
{
    const struct place at = {.config = context, .item = item};
    const struct value *value = &table[name];
    const char *word;

    switch (value->kind) {
    case NUMBER:
        text_print(out, "%u", value->of.number(&at));
        break;
    case MS:
        text_print(out, "%ums", value->of.number(&at));
        break;
    case FLAG:
        if (value->of.flag(&at))
            text_put(out, "yes", strlen("yes"));
        break;
    case WORD:
        word = value->of.word(&at);
        if (word != NULL)
            text_put(out, word, strlen(word));
        break;
    case TEXT:
        value->of.text(&at, out);
        break;
    }
}

struct template_values values_of(const struct config *config)
{
    return (struct template_values){.name = name_of,
                                    .name_count = COUNT(table),
                                    .loop = loop_name,
                                    .loop_count = COUNT(loops),
                                    .count_items = count_items,
                                    .put = put,
                                    .context = config};
}

const char *values_help(size_t index)
{
    return table[index].help;
}

const char *values_loop_help(size_t index)
{
    return loops[index].help;
}
