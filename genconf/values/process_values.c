#include <string.h>

#include "connections.h"
#include "names.h"
#include "values/value.h"
#include "version.h"

const char *value_version(const struct place *at)
{
    (void)at;
    return LEASTJOBS_VERSION;
}

unsigned value_instance_count(const struct place *at)
{
    return (unsigned)at->config->instance_count;
}

bool value_several_instances(const struct place *at)
{
    return at->config->instance_count != 1;
}

unsigned value_threads(const struct place *at)
{
    return at->config->threads;
}

const char *value_haproxy_user(const struct place *at)
{
    const char *user = at->config->haproxy_user;

    return user == NULL || strcmp(user, "root") == 0 ? NULL : user;
}

const char *value_haproxy_socket(const struct place *at)
{
    return at->config->haproxy_socket;
}

void value_state_file(const struct place *at, struct text *out)
{
    text_print(out, "%s" STATE_FILE_SUFFIX, at->config->haproxy_socket);
}

const char *value_log_level(const struct place *at)
{
    switch (at->config->log_level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARNING:
        return "warning";
    case LOG_ERROR:
        return "err";
    }
    return "info";
}

bool value_debug(const struct place *at)
{
    return at->config->log_level == LOG_DEBUG;
}

/* RFC 6761 section 6.3: localhost is always the loopback, DNS must not be asked. */
bool value_uses_dns(const struct place *at)
{
    for (size_t i = 0; i < at->config->instance_count; i++) {
        if (value_is_looked_up(&(struct place){at->config, i}))
            return true;
    }
    return config_agent_is_remote(at->config);
}

unsigned value_max_connections(const struct place *at)
{
    return at->config->max_connections;
}

unsigned value_all_connections(const struct place *at)
{
    return connections_total(at->config, at->config->max_connections);
}

unsigned value_balancer_connections(const struct place *at)
{
    return at->config->max_connections + connections_spare(at->config->max_connections);
}

unsigned value_refusal_connections(const struct place *at)
{
    return value_balancer_connections(at) - CONNECTIONS_STATUS;
}

unsigned value_passes(const struct place *at)
{
    return connections_passes(at->config->max_connections);
}

unsigned value_again_connections(const struct place *at)
{
    return value_passes(at) + CONNECTIONS_LOOP_SPARE;
}

unsigned value_relay_connections(const struct place *at)
{
    return connections_relay(at->config);
}

unsigned value_admin_connections(const struct place *at)
{
    (void)at;
    return CONNECTIONS_WATCHERS;
}

unsigned value_runtime_sessions(const struct place *at)
{
    return connections_sessions(at->config->max_connections);
}
