/* The control endpoint: what the tests see and steer the instances by. HTTP and JSON, see
 * README.md. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <sys/socket.h>

struct control;
struct sim;

/* Listens. NULL with a message on stderr. Freed by control_free(), before the sim is. */
struct control *control_new(struct sim *sim, const struct sockaddr_storage *address,
                            socklen_t address_len);

const char *control_url(const struct control *control);

void control_free(struct control *control);

#endif
