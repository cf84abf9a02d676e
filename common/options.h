#ifndef LEASTJOBS_OPTIONS_H
#define LEASTJOBS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The one table of options. It drives the parser (config.c), the keys of the configuration file,
 * --help, what a reload says (changes.h), and, by way of tools/option_docs.c and `make docs`, the
 * manual's section, docs/configuration.md, .env.example and agent/agent.conf.
 */
enum option_type {
    OPTION_PORT,     /* unsigned: 1 to 65535 */
    OPTION_NUMBER,   /* unsigned: minimum to maximum */
    OPTION_DURATION, /* unsigned, in milliseconds: "30", "500ms", "2s", "1.5m", "1h", "1d" */
    OPTION_FLAG,     /* bool: yes or no */
    OPTION_LEVEL,    /* enum log_level */
    OPTION_BIND,     /* char *: an IP address, or * for all of IPv4 */
    OPTION_HOST,     /* char *: an IP address or a host name */
    OPTION_FILE,     /* char *: an absolute path; NULL if unset */
    OPTION_USER,     /* char *: a user of the system; NULL if unset */
    OPTION_PATH,     /* char *: a URL's path, and maybe a query */
    OPTION_REQUEST,  /* char *: where an instance is asked: see request_url.h */
    OPTION_SOURCE,   /* char *: a row of presets.h */
    OPTION_NETWORKS, /* char *: IP addresses and CIDR blocks separated by commas, or none */
    OPTION_PATHS,    /* char *: paths separated by commas; NULL if unset */
    OPTION_PROXIED,  /* char *: paths and presets separated by commas (see proxy_paths.h) */
    OPTION_ORIGINS,  /* char *: *, none, or origins (RFC 6454) separated by commas */
    OPTION_MEMBER,   /* char *: a JSON Pointer that HAProxy's json_query() can follow */
    OPTION_LOCATOR,  /* char *: for the source to understand: see instance_source.h */
    OPTION_NAMES,    /* char *: http:// URLs with DNS names, separated by commas; NULL if unset */
    OPTION_URL,      /* of an instance: see instances.h */
};

/* The headings under which options are shown, in this order. */
enum option_group {
    OPTION_INSTANCES,
    OPTION_HEALTH,
    OPTION_FRONT,
    OPTION_ACCESS,
    OPTION_LIMITS,
    OPTION_LOG,
    OPTION_AGENT,
    OPTION_HAPROXY,
    OPTION_GROUPS,
};

/*
 * Where a value is in force: in the agent, which takes a new one on SIGHUP, in HAProxy, which takes
 * it when haproxy.cfg is written again and HAProxy is reloaded, or in both; or in `leastjobs run`
 * alone, which sees the change itself.
 */
enum option_scope {
    OPTION_IN_AGENT = 1,
    OPTION_IN_HAPROXY = 2,
    OPTION_IN_RUN = 4,
    OPTION_IN_BOTH = OPTION_IN_AGENT | OPTION_IN_HAPROXY,
};

struct option_info {
    const char *name; /* of the environment variable; in lower case, the file's key */
    enum option_type type;
    enum option_group group;
    enum option_scope scope;
    bool is_for_instance;   /* INSTANCE_N_ before the name sets it for one instance */
    size_t offset;          /* in struct config */
    size_t instance_offset; /* in struct instance_config; "nothing said" is NULL or 0 there */
    unsigned minimum;
    unsigned maximum;
    const char *fallback; /* the default, as a user would write it; NULL: unset */
    const char *unset;    /* what holds then, in words; NULL if there is a default */
    const char *example;  /* a value for the sample files; NULL: they show the default */
    /* A phrase, for --help and the sample files; the manual and the documents begin with it. */
    const char *help;
    /* What they say beyond that, in sentences, with `literals` in backquotes; NULL: nothing. */
    const char *more;
};

/* In the order of their groups. */
extern const struct option_info option_table[];
extern const size_t option_count;

/* What only single instances have, INSTANCE_N_URL: no place in struct config. */
extern const struct option_info instance_option_table[];
extern const size_t instance_option_count;

/* What one instance may have, by an index from 0: those of both tables; NULL behind the last. */
const struct option_info *option_for_instance(size_t index);

/* What follows INSTANCE_N_ in the name of such an option; in lower case, the key in its group. */
const char *option_instance_name(const struct option_info *option);

const char *option_group_title(enum option_group group);

/* NULL if no option has this name. */
const struct option_info *option_find(const char *name);

/* Whether its value in struct config is a char * (which the configuration owns). */
bool option_is_text(const struct option_info *option);

/* The table as --help shows it. */
void options_print(FILE *stream);

#endif
