#ifndef LEASTJOBS_CONFIG_H
#define LEASTJOBS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"
#include "log.h"
#include "presets.h"
#include "request_url.h"
#include "settings.h"
#include "url.h"

/* An instance's number is part of a routing key of 64 bits (see genconf/haproxy.cfg.in). */
#define INSTANCE_NUMBER_MAX 65535
#define INSTANCES_MAX 10000
#define CAPACITY_MAX 10000
/* The word for an empty list, since an empty value counts as unset. */
#define CONFIG_NONE "none"
#define CONFIG_ALL_ORIGINS "*"

/* What INSTANCE_N_… says of one instance alone; NULL or 0: nothing. */
struct own_options {
    char *jobs_source;
    char *jobs_field;
    char *load_url;
    char *health_path;
    char *capacity_field;
    unsigned capacity;
};

struct instance_config {
    unsigned number; /* N of INSTANCE_N_URL */
    struct url url;
    char *origin;    /* where the URL was written, for messages */
    bool is_found;   /* by a DNS name or a file of URLs: see found.h */
    bool is_leaving; /* found, and there no more: it gets no new jobs */
    struct own_options own;
    /* What becomes of that and of what holds for all: see instance_source.h. */
    const struct preset *preset;
    const char *locator;          /* where the count is, for preset->source; NULL: nowhere */
    const char *capacity_locator; /* the same for the capacity; NULL: it isn't read */
    unsigned capacity;            /* 1 to CAPACITY_MAX, as long as none is read */
    /* What it is asked. If both are, the first says whether it is well and the second its load. */
    struct request health; /* of url NULL: the load's answer says it */
    struct request load;   /* of url NULL: no load is asked for */
};

/*
 * The whole configuration, checked. It is built once and never changed; it owns all it points
 * to, config_free() releases it. Instances are in the order of their numbers.
 */
struct config {
    struct instance_config *instances;
    size_t instance_count;
    char *instances_dns; /* NULL, also the next one: none */
    char *instances_file;
    unsigned port;
    char *bind_address;
    unsigned check_interval_ms;
    unsigned jobs_interval_ms; /* never longer than check_interval_ms */
    unsigned check_timeout_ms;
    char *health_path; /* NULL, and so on: the source's */
    char *jobs_source;
    char *jobs_field;
    char *load_url;
    char *capacity_field;
    char *health_headers_file; /* NULL: none */
    char **health_headers;     /* its fields, "Name: value": the agent reads them */
    size_t health_header_count;
    char *job_id_field;
    char *jobs_path; /* paths separated by commas, none with a trailing / */
    unsigned job_retention_ms;
    unsigned unhealthy_after;
    unsigned request_timeout_ms;
    unsigned connect_timeout_ms;
    enum log_level log_level;
    char *instance_ca_file;
    char *tls_cert_file;     /* NULL: no TLS */
    unsigned hsts_max_age_s; /* 0: no HSTS */
    char *api_keys_file;     /* NULL: no keys */
    bool status_needs_key;
    char *proxy_paths;     /* see proxy_paths.h, also for the next one */
    char *extra_paths;     /* NULL: none */
    char *cors_origins;    /* CONFIG_ALL_ORIGINS, CONFIG_NONE or a list */
    char *trusted_proxies; /* CONFIG_NONE: nobody is trusted */
    unsigned threads;
    unsigned max_connections; /* jobs at a time; 0: not set; genconf then takes what the open files
                                 allow */
    char *haproxy_user;       /* NULL: HAProxy stays who it is */
    char *agent_host;
    char *agent_bind_address;
    unsigned agent_port;
    unsigned status_port;
    unsigned stop_timeout_ms; /* of leastjobs run */
    char *admin_bind_address;
    unsigned admin_port;
    char *admin_password_file; /* NULL: no password, and no buttons */
    char *haproxy_socket;
};

/* Where values come from, the first having precedence: environment, .env file, libconfig file. */
struct config_sources {
    char *const *environment; /* environ(7) */
    const char *env_file;     /* NULL: see envfile_path.h */
    const char *config_file;  /* NULL: none */
};

/*
 * Reads all sources and checks every value and how they fit together. Returns the configuration
 * for the caller to config_free(), or NULL with all that is wrong in `errors`. Warnings may be
 * there in both cases.
 */
struct config *config_load(const struct config_sources *sources, struct errors *errors);

/* Adds the values of all sources, in the order of their precedence. */
void config_read_sources(struct settings *settings, const struct config_sources *sources,
                         struct errors *errors);

/* The same as config_load() from values that have been read already. */
struct config *config_from_settings(const struct settings *settings, struct errors *errors);

void config_free(struct config *config);

/* Whether there may be instances that no INSTANCE_N_URL names. */
bool config_finds_instances(const struct config *config);

/* Whether the agent is on another host, found by name. */
bool config_agent_is_remote(const struct config *config);

/*
 * The time between two agent-checks of an instance: a quarter of the interval between health
 * checks, at least 5 ms, at most 1 s.
 */
unsigned config_agent_inter_ms(const struct config *config);

#endif
