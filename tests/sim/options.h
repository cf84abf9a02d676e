/* The command line. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "instance.h"

enum {
    OPTIONS_COUNT_MAX = 30000,
    OPTIONS_SLOTS_MAX = 1000000,
    OPTIONS_TIME_MS_MAX = 24 * 3600 * 1000
};

struct options {
    struct sockaddr_storage listen, control;
    socklen_t listen_len, control_len;
    unsigned count;
    bool spread_address; /* else the port is counted up */
    struct instance_settings settings;
    const char *tls_cert, *tls_key; /* both or none; point into argv */
};

enum options_result { OPTIONS_RUN, OPTIONS_EXIT_OK, OPTIONS_EXIT_USAGE };

/* Reads the command line; prints help, the version or what is wrong with it. */
enum options_result options_parse(int argc, char **argv, struct options *options);

#endif
