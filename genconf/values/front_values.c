#include <string.h>

#include "list.h"
#include "proxy_paths.h"
#include "values/value.h"

#define RETRY_AFTER_MAX_S 30

void value_put_address(struct text *out, const char *address, unsigned port)
{
    bool is_ipv6 = strchr(address, ':') != NULL;

    text_print(out, is_ipv6 ? "[%s]:%u" : "%s:%u", address, port);
}

/* The address for all of IPv6 takes IPv4 too. */
static bool is_dual_stack(const char *address)
{
    return strcmp(address, "::") == 0;
}

unsigned value_port(const struct place *at)
{
    return at->config->port;
}

unsigned value_admin_port(const struct place *at)
{
    return at->config->admin_port;
}

void value_balancer_address(const struct place *at, struct text *out)
{
    value_put_address(out, at->config->bind_address, at->config->port);
}

bool value_balancer_dual_stack(const struct place *at)
{
    return is_dual_stack(at->config->bind_address);
}

void value_admin_address(const struct place *at, struct text *out)
{
    value_put_address(out, at->config->admin_bind_address, at->config->admin_port);
}

bool value_admin_dual_stack(const struct place *at)
{
    return is_dual_stack(at->config->admin_bind_address);
}

const char *value_tls_cert_file(const struct place *at)
{
    return at->config->tls_cert_file;
}

unsigned value_hsts_max_age(const struct place *at)
{
    return at->config->hsts_max_age_s;
}

const char *value_api_keys_file(const struct place *at)
{
    return at->config->api_keys_file;
}

bool value_status_needs_key(const struct place *at)
{
    return at->config->status_needs_key;
}

const char *value_admin_password_file(const struct place *at)
{
    return at->config->admin_password_file;
}

unsigned value_request_timeout(const struct place *at)
{
    return at->config->request_timeout_ms;
}

/* When all instances are asked again. */
unsigned value_retry_after(const struct place *at)
{
    unsigned seconds = (at->config->check_interval_ms + 999) / 1000;

    return seconds > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : seconds;
}

/* --- Lists of the configuration: parts separated by commas --- */

static const char *find_part(const char *list, size_t index, size_t *length)
{
    const char *part = list_take(&list, length);

    while (index-- > 0)
        part = list_take(&list, length);
    return part;
}

/* --- Paths --- */

bool value_whisperx_paths(const struct place *at)
{
    return proxy_paths_have_jobs(at->config);
}

bool value_proxy_paths(const struct place *at)
{
    return proxy_paths_count(at->config) > 0;
}

void value_path(const struct place *at, struct text *out)
{
    struct proxy_path path = proxy_paths_at(at->config, at->item);

    text_put(out, path.text, path.length);
}

bool value_is_prefix(const struct place *at)
{
    return proxy_paths_at(at->config, at->item).is_prefix;
}

bool value_proxy_prefixes(const struct place *at)
{
    for (size_t i = 0; i < proxy_paths_count(at->config); i++) {
        if (proxy_paths_at(at->config, i).is_prefix)
            return true;
    }
    return false;
}

/* Preflights, too, if they are the instances' to answer. */
bool value_jobs_of_any_method(const struct place *at)
{
    return value_proxy_paths(at) || (value_whisperx_paths(at) && value_cors_none(at));
}

/* --- Pages of other origins --- */

bool value_cors_all(const struct place *at)
{
    return strcmp(at->config->cors_origins, CONFIG_ALL_ORIGINS) == 0;
}

bool value_cors_none(const struct place *at)
{
    return strcmp(at->config->cors_origins, CONFIG_NONE) == 0;
}

size_t value_count_cors_origins(const struct config *config)
{
    const struct place at = {.config = config};

    return value_cors_all(&at) || value_cors_none(&at) ? 0 : list_count(config->cors_origins);
}

void value_origin(const struct place *at, struct text *out)
{
    size_t length;
    const char *origin = find_part(at->config->cors_origins, at->item, &length);

    text_put(out, origin, length);
}

/* --- Jobs by their ids --- */

size_t value_count_jobs_paths(const struct config *config)
{
    return list_count(config->jobs_path);
}

void value_jobs_root(const struct place *at, struct text *out)
{
    size_t length;
    const char *path = find_part(at->config->jobs_path, at->item, &length);

    text_put(out, path, length);
}

/* Fields between slashes are counted from 1, and the first one is empty. */
unsigned value_id_field(const struct place *at)
{
    size_t length;
    const char *path = find_part(at->config->jobs_path, at->item, &length);
    unsigned field = 2;

    for (size_t i = 0; i < length; i++)
        field += path[i] == '/';
    return field;
}

unsigned value_job_retention(const struct place *at)
{
    return at->config->job_retention_ms;
}

/* --- Proxies before the balancer --- */

size_t value_count_trusted_proxies(const struct config *config)
{
    if (strcmp(config->trusted_proxies, CONFIG_NONE) == 0)
        return 0;
    return list_count(config->trusted_proxies);
}

bool value_trusted_proxies(const struct place *at)
{
    return value_count_trusted_proxies(at->config) > 0;
}

void value_network(const struct place *at, struct text *out)
{
    size_t length;
    const char *network = find_part(at->config->trusted_proxies, at->item, &length);

    text_put(out, network, length);
}
