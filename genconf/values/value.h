#ifndef LEASTJOBS_VALUE_H
#define LEASTJOBS_VALUE_H

#include <stdbool.h>

#include "config.h"
#include "template/text.h"

/*
 * The functions behind the values of a template, each of the same name (see the table in values.c,
 * which says what they are). Pure functions of the configuration and, in a loop, of an item's
 * index; a number in milliseconds ends in _ms there. Texts are the configuration's, or static; NULL
 * is an empty one.
 */
struct place {
    const struct config *config;
    size_t item;
};

/* HAProxy itself: process_values.c */
const char *value_version(const struct place *at);
unsigned value_instance_count(const struct place *at);
bool value_several_instances(const struct place *at);
unsigned value_threads(const struct place *at);
const char *value_haproxy_user(const struct place *at);
const char *value_haproxy_socket(const struct place *at);
void value_state_file(const struct place *at, struct text *out);
const char *value_log_level(const struct place *at);
bool value_debug(const struct place *at);
bool value_uses_dns(const struct place *at);
unsigned value_max_connections(const struct place *at);
unsigned value_all_connections(const struct place *at);
unsigned value_balancer_connections(const struct place *at);
unsigned value_refusal_connections(const struct place *at);
unsigned value_passes(const struct place *at);
unsigned value_again_connections(const struct place *at);
unsigned value_relay_connections(const struct place *at);
unsigned value_admin_connections(const struct place *at);
unsigned value_runtime_sessions(const struct place *at);

/* What clients see: front_values.c */
unsigned value_port(const struct place *at);
unsigned value_admin_port(const struct place *at);
void value_balancer_address(const struct place *at, struct text *out);
bool value_balancer_dual_stack(const struct place *at);
void value_admin_address(const struct place *at, struct text *out);
bool value_admin_dual_stack(const struct place *at);
const char *value_tls_cert_file(const struct place *at);
unsigned value_hsts_max_age(const struct place *at);
const char *value_api_keys_file(const struct place *at);
bool value_status_needs_key(const struct place *at);
const char *value_admin_password_file(const struct place *at);
bool value_trusted_proxies(const struct place *at);
bool value_whisperx_paths(const struct place *at);
bool value_proxy_paths(const struct place *at);
bool value_proxy_prefixes(const struct place *at);
bool value_jobs_of_any_method(const struct place *at);
bool value_cors_all(const struct place *at);
bool value_cors_none(const struct place *at);
unsigned value_request_timeout(const struct place *at);
unsigned value_retry_after(const struct place *at);

void value_path(const struct place *at, struct text *out);
bool value_is_prefix(const struct place *at);

size_t value_count_cors_origins(const struct config *config);
void value_origin(const struct place *at, struct text *out);

size_t value_count_trusted_proxies(const struct config *config);
void value_network(const struct place *at, struct text *out);

/* The instances and the agent: farm_values.c */
unsigned value_connect_timeout(const struct place *at);
unsigned value_check_timeout(const struct place *at);
unsigned value_check_interval(const struct place *at);
unsigned value_down_check_interval(const struct place *at);
unsigned value_unhealthy_after(const struct place *at);
const char *value_instance_ca_file(const struct place *at);
bool value_path_prefixes(const struct place *at);
size_t value_count_jobs_paths(const struct config *config);
void value_jobs_root(const struct place *at, struct text *out);
unsigned value_id_field(const struct place *at);
unsigned value_job_retention(const struct place *at);

void value_job_id_path(const struct place *at, struct text *out);
bool value_compares_capacities(const struct place *at);
bool value_tells_capacities(const struct place *at);
bool value_agent_is_remote(const struct place *at);
const char *value_agent_host(const struct place *at);
unsigned value_agent_port(const struct place *at);
const char *value_agent_check_address(const struct place *at);
unsigned value_agent_check_interval(const struct place *at);
void value_status_address(const struct place *at, struct text *out);

unsigned value_number(const struct place *at);
bool value_is_first(const struct place *at);
void value_address(const struct place *at, struct text *out);
const char *value_authority(const struct place *at);
const char *value_host(const struct place *at);
bool value_has_name(const struct place *at);
bool value_is_looked_up(const struct place *at);
bool value_is_https(const struct place *at);
const char *value_path_prefix(const struct place *at);
bool value_tells_capacity(const struct place *at);
void value_capacity(const struct place *at, struct text *out);

/* An address as a bind or server line wants it. */
void value_put_address(struct text *out, const char *address, unsigned port);

#endif
