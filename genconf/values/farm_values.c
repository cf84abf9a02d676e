#include "capacity.h"
#include "values/value.h"

/* Another than the agent's own, should it run on this host after all. */
#define RELAY_ADDRESS "127.0.0.2"
#define LOOPBACK "127.0.0.1"
/* HAProxy's own verdict of an instance that isn't there yet must not outlast the agent's. */
#define DOWN_CHECK_INTERVAL_MAX_MS 1000U

/* --- The farm --- */

unsigned value_connect_timeout(const struct place *at)
{
    return at->config->connect_timeout_ms;
}

unsigned value_check_timeout(const struct place *at)
{
    return at->config->check_timeout_ms;
}

unsigned value_check_interval(const struct place *at)
{
    return at->config->check_interval_ms;
}

unsigned value_down_check_interval(const struct place *at)
{
    unsigned interval = at->config->check_interval_ms;

    return interval < DOWN_CHECK_INTERVAL_MAX_MS ? interval : DOWN_CHECK_INTERVAL_MAX_MS;
}

unsigned value_unhealthy_after(const struct place *at)
{
    return at->config->unhealthy_after;
}

const char *value_instance_ca_file(const struct place *at)
{
    return at->config->instance_ca_file == NULL ? "@system-ca" : at->config->instance_ca_file;
}

bool value_path_prefixes(const struct place *at)
{
    for (size_t i = 0; i < at->config->instance_count; i++) {
        if (at->config->instances[i].url.path[0] != '\0')
            return true;
    }
    return false;
}

/* HAProxy's path (json_query), behind its "$.", of a JSON Pointer that has only plain names. */
void value_job_id_path(const struct place *at, struct text *out)
{
    const char *pointer = at->config->job_id_field;

    for (pointer += *pointer == '/'; *pointer != '\0'; pointer++)
        text_put(out, *pointer == '/' ? "." : pointer, 1);
}

bool value_compares_capacities(const struct place *at)
{
    return capacity_is_compared(at->config);
}

bool value_tells_capacities(const struct place *at)
{
    return capacity_is_told(at->config);
}

/* --- The agent --- */

bool value_agent_is_remote(const struct place *at)
{
    return config_agent_is_remote(at->config);
}

const char *value_agent_host(const struct place *at)
{
    return url_is_localhost(at->config->agent_host) ? LOOPBACK : at->config->agent_host;
}

unsigned value_agent_port(const struct place *at)
{
    return at->config->agent_port;
}

/*
 * HAProxy looks up an agent-addr only when it starts: an agent whose address has changed since
 * would never be heard again. A server's address it does follow: the relay's.
 */
const char *value_agent_check_address(const struct place *at)
{
    return config_agent_is_remote(at->config) ? RELAY_ADDRESS : value_agent_host(at);
}

unsigned value_agent_check_interval(const struct place *at)
{
    return config_agent_inter_ms(at->config);
}

void value_status_address(const struct place *at, struct text *out)
{
    value_put_address(out, value_agent_host(at), at->config->status_port);
}

/* --- One instance --- */

static const struct instance_config *instance(const struct place *at)
{
    return &at->config->instances[at->item];
}

unsigned value_number(const struct place *at)
{
    return instance(at)->number;
}

bool value_is_first(const struct place *at)
{
    return at->item == 0;
}

void value_address(const struct place *at, struct text *out)
{
    const struct url *url = &instance(at)->url;

    value_put_address(out, url_is_localhost(url->host) ? LOOPBACK : url->host, url->port);
}

const char *value_authority(const struct place *at)
{
    return instance(at)->url.authority;
}

const char *value_host(const struct place *at)
{
    return instance(at)->url.host;
}

bool value_has_name(const struct place *at)
{
    return instance(at)->url.host_kind == URL_HOST_NAME;
}

/* RFC 6761 section 6.3: localhost is always the loopback, DNS must not be asked. */
bool value_is_looked_up(const struct place *at)
{
    return value_has_name(at) && !url_is_localhost(instance(at)->url.host);
}

bool value_is_https(const struct place *at)
{
    return instance(at)->url.tls;
}

const char *value_path_prefix(const struct place *at)
{
    return instance(at)->url.path;
}

bool value_tells_capacity(const struct place *at)
{
    return instance(at)->capacity_locator != NULL && capacity_is_told(at->config);
}

/* What HAProxy's mul() takes: a number, or a variable of the request. */
void value_capacity(const struct place *at, struct text *out)
{
    if (value_tells_capacity(at))
        text_print(out, "req.capacity");
    else
        text_print(out, "%u", instance(at)->capacity);
}
