/* The command line. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "instance.h"

struct options {
    struct sockaddr_storage listen, control, oracle;
    socklen_t listen_len, control_len, oracle_len; /* oracle_len 0: no oracle */
    unsigned count;
    bool linger;         /* SIGTERM lets the jobs end */
    bool spread_address; /* else the port is counted up */
    struct instance_settings settings;
    const char *speeds; /* one, or one per instance; see options_next_speed(); into argv */
    unsigned speed_count;
    const char *jobs_path;          /* into argv; NULL: none */
    const char *jobs_log;           /* a path, into argv; NULL: none */
    const char *tls_cert, *tls_key; /* both or none; point into argv */
};

enum options_result { OPTIONS_RUN, OPTIONS_EXIT_OK, OPTIONS_EXIT_USAGE };

/* Reads the command line; prints help, the version or what is wrong with it. */
enum options_result options_parse(int argc, char **argv, struct options *options);

/* Takes the next speed from a copy of options->speeds; the last one again and again. */
double options_next_speed(const char **speeds);

#endif
