#ifndef LEASTJOBS_OPTIONS_H
#define LEASTJOBS_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

/*
 * The one table of options. It drives the parser (config.c), the keys of the configuration file,
 * --help, and the tests that README, man pages, .env.example and agent.conf name each of them.
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
    OPTION_PATH,     /* char *: a URL's path */
    OPTION_NETWORKS, /* char *: IP addresses and CIDR blocks separated by commas, or none */
    OPTION_PATHS,    /* char *: paths separated by commas; NULL if unset */
    OPTION_MEMBER,   /* char *: a JSON Pointer that HAProxy's json_query() can follow */
    OPTION_POINTERS, /* char *: JSON Pointers (RFC 6901) separated by commas */
};

struct option_info {
    const char *name; /* of the environment variable; in lower case, the file's key */
    enum option_type type;
    size_t offset; /* in struct config */
    unsigned minimum;
    unsigned maximum;
    const char *fallback; /* the default, as a user would write it; NULL: unset */
    const char *help;
};

extern const struct option_info option_table[];
extern const size_t option_count;

/* The table as --help shows it. */
void options_print(FILE *stream);

#endif
