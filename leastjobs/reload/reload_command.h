#ifndef LEASTJOBS_RELOAD_COMMAND_H
#define LEASTJOBS_RELOAD_COMMAND_H

/*
 * leastjobs reload: tells the `leastjobs run` of HAPROXY_SOCKET to read its configuration again,
 * and waits until that is in force. Returns the exit status: 0 then, 1 if it isn't or nobody runs,
 * EXIT_USAGE if the configuration is bad.
 */
int reload_command(int argc, char **argv);

#endif
